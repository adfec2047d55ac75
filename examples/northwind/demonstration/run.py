"""The demo: builds and starts everything, plays the requests in order, proves them from the journal, stays up."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from examples.northwind.demonstration import money, people
from examples.northwind.demonstration.paper import Page, Paper
from examples.northwind.demonstration.processes import PROJECT, Broken, Town
from examples.northwind.demonstration.rest import Refused
from examples.northwind.demonstration.scene import Scene, Unexpected, set_up

Step = Callable[[Scene, Page], None]

STEPS: tuple[tuple[str, Step], ...] = (
    ("A question is answered", money.read),
    ("A small credit runs", money.small),
    ("A large credit waits, is approved, and runs", money.large),
    ("A credit above what was paid is refused", money.too_much),
    ("A credit on somebody else's order is refused", money.somebody_elses),
    ("A ticket orders money to another account", money.steered),
    ("Billing is killed during the call; the doubt is settled", money.killed),
    ("A credit is undone", money.undone),
    ("A changed record voids an approval", people.changed_record),
    ("A loop is stopped", people.loop),
    ("A customer confirms; the agent cannot", people.confirmed),
    ("A stronger sign-in is asked for", money.to_account),
    ("An approver edits before approving", people.edited),
    ("Four eyes", people.four_eyes),
    ("A kill switch", people.stopped),
    ("A draft only", people.drafted),
    ("One is left waiting for you", people.left_waiting),
)

NOTES, CANCELLED = 6, 1
"""What the steps come to in billing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return 0 if everything held, 1 if something did not."""
    options = _options().parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    paper = Paper()
    started = time.monotonic()
    try:
        with _state(options.state, once=options.once) as state:
            town = Town(state, keep_model=options.model)
            try:
                return _perform(paper, town, once=options.once, started=started)
            finally:
                town.stop()
    except (Broken, Refused) as error:
        paper.heading("The demo could not go on")
        paper.line(str(error))
        return 1
    except KeyboardInterrupt:
        paper.line("\nstopped before the end")
        return 130


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="interlock demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="run every step, check it, and stop")
    parser.add_argument("--state", type=Path, metavar="DIR", help="an empty folder for all state, which is kept")
    parser.add_argument(
        "--model", action="store_true", help="let the agents use the model that OPENAI_BASE_URL and OPENAI_API_KEY name"
    )
    return parser


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def _state(chosen: Path | None, *, once: bool) -> Iterator[Path]:
    """Give an empty folder for all state; only that of a demo that stops by itself is removed at the end."""
    if chosen is None and once:
        with tempfile.TemporaryDirectory(prefix="northwind-") as folder:
            yield Path(folder)
        return
    if chosen is None:
        chosen = PROJECT / ".interlock" / "demo"
        shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir(parents=True, exist_ok=True)
    if any(chosen.iterdir()):
        raise Broken(f"{chosen} is not empty")
    yield chosen.resolve()


def _perform(paper: Paper, town: Town, *, once: bool, started: float) -> int:
    paper.line("Northwind Traders: an order desk, billing and a helpdesk, with Interlock in front of them.")
    paper.line(
        "Everything below happens now, on this machine; what is checked is checked in the systems' own databases."
    )
    scene = set_up(town)
    failures = _play(paper, scene)
    failures += _count(paper, scene)
    _prove(paper, scene)
    _summary(paper, failures, time.monotonic() - started)
    if not once:
        _stay(paper, scene)
    return 1 if failures else 0


def _play(paper: Paper, scene: Scene) -> list[str]:
    failures: list[str] = []
    for number, (title, step) in enumerate(STEPS, start=1):
        page = Page(paper, number, title)
        try:
            step(scene, page)
        except (Unexpected, Refused, Broken, KeyError) as error:
            page.failed(f"{type(error).__name__}: {error}")
        failures += [f"{page.title}: {failure}" for failure in page.failures]
    return failures


def _count(paper: Paper, scene: Scene) -> list[str]:
    """Check the whole against billing's own list of what it really changed."""
    page = Page(paper, len(STEPS) + 1, "Everything counted")
    page.system("billing", f"{scene.books.effects()} changes in all")
    page.holds(
        f"that is what the steps above came to, {NOTES} notes and {CANCELLED} cancellation",
        scene.books.effects() == NOTES + CANCELLED,
    )
    return [f"{page.title}: {failure}" for failure in page.failures]


def _prove(paper: Paper, scene: Scene) -> None:
    """Let the journal be verified, and show one action's whole trace from it. Raises `Broken`."""
    key = scene.who("anne").key
    paper.heading("The journal")
    verified = scene.town.command("journal", "verify", key=key)
    for line in verified.strip().splitlines():
        paper.line(f"    {line}")
    shown = scene.remembered.get("killed")
    if shown is not None:
        paper.heading("The trace of the credit that was in doubt")
        for line in scene.town.command("actions", "trace", shown["id"], key=key).strip().splitlines():
            paper.line(f"    {line}")


def _summary(paper: Paper, failures: list[str], seconds: float) -> None:
    if failures:
        paper.heading(f"{len(failures)} of the demo's own checks did not hold")
        for failure in failures:
            paper.line(f"    {failure}")
        return
    paper.heading(f"All {len(STEPS)} steps ended as they should, in {seconds:.0f} seconds.")


def _stay(paper: Paper, scene: Scene) -> None:
    """Stay up until stopped, and say how to look around."""
    town = scene.town
    paper.heading("Everything stays up until you press Ctrl-C")
    paper.line(f"    console    {town.url}/console")
    paper.line(f"    key        {scene.who('steven').key}  (Steven Buchanan, billing lead)")
    paper.line(f"    key        {scene.who('andrew').key}  (Andrew Fuller, finance director)")
    paper.line("    your own sentence, in another terminal:")
    paper.line(f"      export INTERLOCK_URL={town.url} INTERLOCK_KEY={scene.who('laura').key}")
    paper.line('      interlock ask "where is order 11011" --agent support --customer ALFKI')
    paper.line("    the journal, in another terminal:")
    paper.line(
        f"      INTERLOCK_STATE={town.environment['INTERLOCK_STATE']} interlock journal verify --project {PROJECT}"
    )
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        paper.line("\nstopping")


if __name__ == "__main__":
    sys.exit(main())
