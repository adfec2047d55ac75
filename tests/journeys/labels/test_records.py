"""The journal: each record carries the label of its values, which are stored whole and shown to whom they may be."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from interlock.experience.cli.main import run
from tests.journeys.labels.test_results import holds
from tests.journeys.labels.vault import FINANCIAL, IBAN, Vault, open_vault, write_vault


@pytest.fixture
async def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A payment's action, as it stands in a journal that no server has open any more."""
    async with open_vault(write_vault(tmp_path)) as vault:
        _, action = await vault.waiting()
    monkeypatch.setenv("INTERLOCK_PROJECT", str(tmp_path))
    monkeypatch.setenv("INTERLOCK_STATE", str(tmp_path / "state"))
    return action


def exported(root: Path, *words: str) -> list[dict[str, Any]]:
    target = root / "export.jsonl"
    assert run(["journal", "export", "--fields", "--output", str(target), *words]) == 0
    return [json.loads(line) for line in target.read_text("utf-8").splitlines()]


async def test_records_say_in_what_is_hashed_how_confidential_their_values_are(vault: Vault) -> None:
    session, action = await vault.waiting()
    refused = {"session": session, "operation": "staff.pay", "input": {"iban": IBAN}}
    await vault.by("seer", lambda caller: caller.send("POST", "/v1/actions", refused))
    found = (await vault.read("aude", "/v1/journal"))["items"]
    labels = {record["kind"]: record["body"].get("label") for record in reversed(found)}
    for kind in ("action.decided", "action.succeeded", "proposal.refused"):
        assert labels[kind]["confidentiality"] == "restricted"
    kept = (await vault.read("aude", f"/v1/journal/{session}"))["items"]
    hidden = (await vault.read("lena", f"/v1/journal/{session}"))["items"]
    assert kept[-1]["fields"]["input"] == {"iban": IBAN}
    assert hidden[-1]["fields"]["input"] == "[masked: restricted, financial, personal]"
    assert action["id"]


async def test_what_is_stored_is_never_masked(vault: Vault) -> None:
    _, action = await vault.waiting()
    await vault.read("lena", f"/v1/actions/{action['id']}")
    await vault.read("lena", f"/v1/journal/{action['id']}")
    with sqlite3.connect(next((vault.root / "state").rglob("*.db"))) as database:
        stored = [row[0] for row in database.execute("SELECT payload FROM journal_payload")]
        actions = [row[0].decode() for row in database.execute("SELECT document FROM actions")]
    database.close()
    assert not [text for text in (*stored, *actions) if "[masked" in text]
    assert any(IBAN in text for text in stored)
    assert (await vault.installation.journal.verify()).to_json()["ok"]


def test_an_export_masks_what_is_above_the_level_that_was_asked_for(left: dict[str, Any], tmp_path: Path) -> None:
    lines = exported(tmp_path)
    assert not holds(lines)
    whole = exported(tmp_path, "--clearance", "restricted")
    assert holds(whole)
    assert [line["hash"] for line in lines] == [line["hash"] for line in whole]
    (decided,) = [at for at, line in enumerate(lines) if _is(line, "action.decided", left["id"])]
    assert lines[decided]["record"]["entry"]["body"]["label"]["confidentiality"] == "restricted"
    assert lines[decided]["fields"]["snapshot"] == ["", "[masked: restricted, financial, personal]"]
    assert lines[decided]["fields"]["reasons"] == whole[decided]["fields"]["reasons"]
    for line in whole:
        for name, (salt, value) in line["fields"].items():
            written = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()
            digest = hashlib.sha256(bytes.fromhex(salt) + written).hexdigest()
            assert line["record"]["entry"]["fields"][name] == f"sha256:{digest}"


def _is(line: dict[str, Any], kind: str, subject: str) -> bool:
    entry = line["record"]["entry"]
    return bool(entry["kind"] == kind and entry["subject"] == subject)


def test_records_are_shown_up_to_the_level_that_was_asked_for(
    left: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["journal", "show", left["id"], "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert not holds(shown)
    assert shown["items"][0]["fields"]["snapshot"] == "[masked: restricted, financial, personal]"
    assert run(["journal", "show", left["id"], "--clearance", "restricted", "--json"]) == 0
    assert holds(json.loads(capsys.readouterr().out))
    assert run(["journal", "search", "--json"]) == 0
    assert not holds(json.loads(capsys.readouterr().out))


async def test_what_a_caller_reports_in_its_own_words_is_masked_whole(vault: Vault) -> None:
    session = await vault.session("seer")
    person = await vault.propose("seer", session, "staff.get_person", id="p1")
    wire = await vault.propose("seer", session, "desk.wire", iban=person["output"]["iban"])
    assert wire["execute"]["input"] == {"iban": IBAN}, "who carries it out is told exactly what"
    report = {"status": "failed", "problem": {"code": IBAN, "detail": f"no account {IBAN}"}}
    await vault.by("seer", lambda caller: caller.post(f"/v1/actions/{wire['id']}/result", report))
    action = await vault.by("lena", lambda caller: caller.action(wire["id"]))
    assert action["problem"] == {"code": "reported", "detail": FINANCIAL}
    for path in (f"/v1/actions/{wire['id']}", f"/v1/actions/{wire['id']}/trace", f"/v1/journal/{wire['id']}"):
        assert not holds(await vault.read("lena", path)), path
        assert holds(await vault.read("aude", path)), path


async def test_an_operation_that_the_project_no_longer_has_is_judged_by_what_was_recorded(vault: Vault) -> None:
    session = await vault.session("seer")
    action = await vault.propose("seer", session, "staff.get_person", id="p1")
    (vault.root / "systems" / "staff.yaml").unlink()
    (vault.root / "policies" / "vault.cedar").write_text('@id("w") permit (principal, action, resource);\n', "utf-8")
    for name in ("helper", "seer"):
        file = vault.root / "agents" / f"{name}.yaml"
        file.write_text(file.read_text("utf-8").replace('"staff.*", ', ""), "utf-8")
    (vault.root / "agents" / "narrow.yaml").unlink()
    await vault.installation.projects.reload()
    for path in (f"/v1/actions/{action['id']}", f"/v1/actions/{action['id']}/trace", f"/v1/journal/{action['id']}"):
        assert not holds(await vault.read("lena", path)), path
        assert holds(await vault.read("aude", path)), path
