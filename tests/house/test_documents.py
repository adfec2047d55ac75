"""Documents hold together: links lead somewhere, every page is indexed, nothing names one machine."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tests.house.source import ROOT, files, read, texts

LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
README_LINES = 120

# Folders of one machine and registries of packages; written in parts, so that this file passes itself.
PLACES = [
    *(r"(?<![\w.-])/" + folder + r"/" for folder in ("work", "opt", "root", "home")),
    "/tmp/" + "plan",
    r"\bpy" + r"pi\.(org|io)\b",
    "files." + "pythonhosted",
    "registry." + "npmjs",
    "static." + "crates",
]
DATA = frozenset(
    {".csv", ".tsv", ".parquet", ".feather", ".jsonl", ".db", ".sqlite", ".sqlite3", ".xlsx", ".zip", ".gz"}
)


def _anchors(text: str) -> set[str]:
    """Return the anchors a Markdown page's headings get."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(place: str, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return False
    path, _, anchor = target.partition("#")
    goal = (ROOT / place).parent / path if path else ROOT / place
    if not goal.exists():
        return True
    return bool(anchor) and goal.suffix == ".md" and anchor not in _anchors(goal.read_text(encoding="utf-8"))


def test_links_lead_somewhere() -> None:
    offenders = [
        f"{place}: {target}"
        for place, text in texts(".md")
        for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        if _broken(place, target)
    ]
    assert not offenders


def test_every_page_is_in_the_index() -> None:
    index = set(LINK.findall(read("docs/README.md")))
    pages = {place.removeprefix("docs/") for place in files() if re.match(r"docs/.+\.md$", place)}
    assert not sorted(pages - index - {"README.md", "decisions/0000-template.md"})


def test_the_readme_stays_short() -> None:
    if "README.md" in files():
        assert read("README.md").count("\n") < README_LINES


def test_nothing_names_one_machine_or_a_registry() -> None:
    pattern = re.compile("|".join(PLACES))
    offenders = [
        f"{place}:{number}: {found.group()}"
        for place, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := pattern.search(line))
    ]
    assert not offenders


def test_lock_files_hold_hashes_and_no_address() -> None:
    for place in ("requirements/dev.txt", "requirements/run.txt"):
        text = read(place)
        assert not re.search(r"://|--(extra-)?index-url|--find-links|^-[ef] ", text, re.MULTILINE), place
        lines = text.replace("\\\n", " ").splitlines()
        pins = [line for line in lines if line and not line.lstrip().startswith("#")]
        assert pins
        assert not [pin.split()[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin]


def test_data_and_vendored_files_carry_their_licence() -> None:
    held = set(files())
    offenders = []
    for place in held:
        path = PurePosixPath(place)
        if path.suffix not in DATA and not {"vendor", "vendored"} & set(path.parts):
            continue
        folders = [folder for folder in path.parents if folder != PurePosixPath()]
        names = [other.name.upper() for other in map(PurePosixPath, held) if other.parent in folders]
        if not any(name.startswith(("LICENSE", "LICENCE", "NOTICE", "COPYING")) for name in names):
            offenders.append(place)
    assert not sorted(offenders), "put the licence beside the data, in its folder or one above"


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    offenders = [place for place, text in texts(".py", ".md", ".yaml", ".toml", ".cedar") if marks.search(text)]
    assert not offenders
