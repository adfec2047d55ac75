"""`interlock connect`: a system, from what it publishes, as files of a project that somebody reviews."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from interlock.assessment.connecting import Proposal, picked, propose
from interlock.experience.cli.command import OK, REFUSED
from interlock.experience.cli.errors import FolderTaken, UsageInvalid
from interlock.experience.cli.output import show, table
from interlock.experience.cli.storage import root_of
from interlock.foundation.http import HttpClient
from interlock.foundation.secrets import SecretStore
from interlock.integration.systems import Offer, Ports, Survey, discover, folded, look

FEW, SHOWN, MOST = 12, 60, 500
"""How many operations are taken without being picked, are shown in a list, and fit into one system's file."""
_SYSTEM = re.compile(r"[a-z][a-z0-9_]{0,63}")


def connect(arguments: argparse.Namespace) -> int:
    """Look at a system and propose its files, or, with `--out`, pin what an MCP server publishes."""
    return _pin(arguments) if arguments.out else _propose(arguments)


def _propose(arguments: argparse.Namespace) -> int:
    """Write the files of a system, or show what there is to pick from; 1 where nothing was picked."""
    root, (address, *_) = root_of(arguments), arguments.address
    connector, survey = asyncio.run(_looked(root, address, arguments.kind))
    offers = picked(survey.offers, names=arguments.pick, tags=arguments.tag, search=arguments.search)
    chosen = bool(arguments.pick or arguments.tag or arguments.all) or len(offers) <= FEW
    if arguments.list or not offers or not chosen:
        show(arguments, _listed(connector, survey, offers), _offers_text)
        return OK if arguments.list else REFUSED
    name = _called(arguments.name) or _name(survey.title or Path(address).stem)
    proposal = propose(name, connector, survey, offers[:MOST], source=_source(address), owner=arguments.owner)
    report = {**proposal.to_json(), "written": bool(proposal.operations) and not arguments.dry_run}
    if arguments.dry_run:
        report["text"] = proposal.files[f"systems/{name}.yaml"].decode()
    elif proposal.operations:
        _write(root, proposal, replace=arguments.replace)
    show(arguments, report, _proposal_text)
    return OK if proposal.operations else REFUSED


def _write(root: Path, proposal: Proposal, *, replace: bool) -> None:
    taken = [file for file in proposal.files if (root / file).exists()]
    if taken and not replace:
        raise FolderTaken(
            f"{taken[0]} exists already",
            why="somebody may have put its guesses right",
            fix="give another --name, or --replace and look at the difference",
        )
    for file, content in proposal.files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(content)


async def _looked(root: Path, address: str, kind: str) -> tuple[str, Survey]:
    async with HttpClient() as http:
        return await look(address, Ports(http, SecretStore.standard(), root), connector=kind)


def _source(address: str) -> str:
    """Return an address as files may keep it: without what could be a secret (a password, a query), and of a file only
    its name, which holds on every machine.
    """
    if "://" not in address:
        return Path(address).name
    parts = urlsplit(address)
    user = f"{parts.username}@" if parts.username else ""
    return urlunsplit((parts.scheme, f"{user}{parts.netloc.rpartition('@')[2]}", parts.path, "", ""))


def _name(title: str) -> str:
    spoken = "_".join(re.findall(r"[a-z0-9]+", folded(title).lower()))[:40].strip("_")
    return spoken if spoken[:1].isalpha() else f"system_{spoken}".strip("_")


def _called(name: str) -> str:
    """Return the name that a system was given. Raises `UsageInvalid` where systems cannot be called so."""
    if name and not _SYSTEM.fullmatch(name):
        fix = f"begin with a small letter, then small letters, digits or '_': --name {_name(name) or 'crm'}"
        raise UsageInvalid(f"a system cannot be called {name[:80]!r}", fix=fix)
    return name


def _listed(connector: str, survey: Survey, offers: Sequence[Offer]) -> dict[str, Any]:
    return {
        "connector": connector,
        "title": survey.title,
        "offers": [
            {"name": one.name, "from": one.origin, "tags": list(one.tags), "description": one.description}
            for one in offers
        ],
        "in_all": len(survey.offers),
        "tags": dict(Counter(tag for one in survey.offers for tag in one.tags).most_common(30)),
        "notes": list(survey.notes),
    }


def _offers_text(report: dict[str, Any]) -> str:
    rows = ((one["name"], one["from"], one["description"][:60]) for one in report["offers"][:SHOWN])
    lines = [table(("NAME", "FROM", "WHAT FOR"), rows, empty="nothing fits")]
    count = len(report["offers"])
    if not report["in_all"]:
        return "\n".join(["it describes no operation that could be connected", *report["notes"]])
    if count > SHOWN:
        lines.append(f"and {count - SHOWN} more")
    tags = ", ".join(f"{tag} ({number})" for tag, number in report["tags"].items())
    lines += [f"tags: {tags}"] if tags else []
    lines.append(f"{count} of {report['in_all']} operations; pick: --pick NAME, --tag TAG, --search WORDS, or --all")
    return "\n".join(lines)


def _proposal_text(report: dict[str, Any]) -> str:
    if "text" in report:
        return str(report["text"]).rstrip("\n")
    lines = [f"wrote {file}" for file in report["files"]] if report["written"] else []
    names = report["operations"]
    lines.append(f"{len(names)} operation{'s' if len(names) != 1 else ''}: {', '.join(names) or 'none'}")
    lines += [f"left out {one['origin']}: {one['why']}" for one in report["left_out"]]
    lines += [f"to do: {note}" for note in report["notes"]]
    return "\n".join([*lines, *(["look at every remark in these files, then: interlock check"] if names else [])])


def _pin(arguments: argparse.Namespace) -> int:
    """Ask an MCP server for its tools and write them to a file, for `connection: {tools: FILE}`.

    Raises `SystemUnreachable`, and `FolderTaken` where the file exists and `--replace` was not given.
    """
    root = root_of(arguments)
    path = root / arguments.out
    if path.exists() and not arguments.replace:
        raise FolderTaken(
            f"{arguments.out} exists already",
            why="it may be what a project has pinned",
            fix="give another name, or --replace and look at the difference",
        )
    published = asyncio.run(_published(root, _connection(arguments)))
    path.write_text(json.dumps(published, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    names = sorted(str(tool.get("name", "")) for tool in published.get("tools", []))
    show(arguments, {"file": arguments.out, "tools": names}, _text)
    return OK


def _connection(arguments: argparse.Namespace) -> dict[str, Any]:
    where: dict[str, Any] = {"url": arguments.address[0]}
    if not arguments.address[0].startswith(("http://", "https://")):
        where = {"command": list(arguments.address)}
    elif arguments.bearer:
        where["auth"] = {"bearer": arguments.bearer}
    return where


async def _published(root: Path, connection: dict[str, Any]) -> dict[str, Any]:
    async with HttpClient() as http:
        return await discover("mcp", connection, Ports(http, SecretStore.standard(), root))


def _text(report: dict[str, Any]) -> str:
    return "\n".join([f"wrote {report['file']}, {len(report['tools'])} tools:", *(f"  {n}" for n in report["tools"])])
