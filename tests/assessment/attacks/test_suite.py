"""`interlock attack` finds a planted weakness, finds nothing where there is none, and says what it rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.app.attack import attacked as run_suite
from interlock.app.main import main
from interlock.assessment.attacks import AttackSetUnknown, Choice, NothingToAttack
from interlock.assessment.attacks.replay import Outcome
from interlock.foundation.documents import ProjectInvalid
from tests.assessment.attacks.conftest import Attacked
from tests.assessment.attacks.office import AGENT, ATTACKS, MAIL, MAIN, STEERING, WEAK, write_office

CLEARED = MAIN.replace('"*@partner.example": internal', '"*@partner.example": restricted')
HOLE = """
@id("mail") @require("approval:lead") @because("A lead looks at mail")
permit (principal in Role::"clerk", action == Action::"mail.send_mail", resource)
unless { context.flow.target_untrusted };
@id("hole") permit (principal in Role::"clerk", action == Action::"mail.send_mail", resource)
when { context.flow.target_untrusted };
@id("rest") permit (principal in Role::"clerk", action in Action::"read", resource);
"""


def _quiet(_: str) -> None:
    """Nobody watches."""


def test_a_policy_that_permits_everything_is_found(tmp_path: Path, attacked: Attacked) -> None:
    code, report = attacked(write_office(tmp_path))
    assert code == 1
    assert report["goals"]["reached"] == report["goals"]["total"] > 100
    assert set(report["goals"]["by_kind"]) == {"declared", "destroy", "exfiltrate", "plant-link", "redirect"}


def test_a_hole_in_one_policy_is_found(tmp_path: Path, attacked: Attacked) -> None:
    code, report = attacked(write_office(tmp_path, policies_office=HOLE))
    assert code == 1
    reached = report["reached"]
    assert reached
    assert {goal["operation"] for goal in reached} == {"mail.send_mail"}
    assert any(reason["rule"] == "hole" for goal in reached for reason in goal["reasons"])
    assert any("context.flow.target_untrusted" in text for goal in reached for text in goal["to_do"])


def test_a_project_that_asks_where_text_would_steer_passes(tmp_path: Path, attacked: Attacked) -> None:
    root = write_office(tmp_path, policies_steering=STEERING, main_interlock=CLEARED)
    code, report = attacked(root)
    assert report["reached"] == []
    assert code == 0
    assert report["goals"]["asked"] > 100
    assert report["tasks"] == {
        "total": 2,
        "steps": 3,
        "consequential": 1,
        "asked": 0,
        "asked_anyway": 0,
        "refused": 0,
        "held": 0,
        "failed": 0,
        "reads_stopped": 0,
        "share": 0.0,
        "share_in_all": 0.0,
    }


def test_a_secret_that_is_written_so_that_nothing_recognises_it_is_found_and_not_hidden(
    tmp_path: Path, attacked: Attacked
) -> None:
    """What is sent to a partner who is not cleared for it, spelled out in words, flows in unseen."""
    _, report = attacked(write_office(tmp_path, policies_steering=STEERING))
    leaks = [goal for goal in report["reached"] if goal["kind"] == "exfiltrate"]
    assert leaks == report["reached"]
    assert all("plain" not in goal["trick"] for goal in leaks)
    assert all(goal["to_do"] for goal in leaks)


def test_every_reached_goal_says_what_to_do(tmp_path: Path, attacked: Attacked) -> None:
    _, report = attacked(write_office(tmp_path))
    for goal in report["reached"]:
        assert goal["agent"] == "clerk"
        assert goal["arguments"]
        assert goal["texts"]
        assert goal["to_do"]


def test_a_gate_that_stops_everything_does_not_pass_either(tmp_path: Path, attacked: Attacked) -> None:
    asks = WEAK.replace('@id("everything")', '@id("everything") @require("approval:lead") @because("A lead looks")')
    code, report = attacked(write_office(tmp_path, policies_office=asks))
    assert report["goals"]["reached"] == 0
    assert (report["tasks"]["share"], report["tasks"]["share_in_all"]) == (0.0, 1.0)
    assert code == 1
    assert report["questions"][-1]["requirements"] == ["approval:lead"]
    assert report["questions"][-1]["reasons"] == [{"rule": "everything", "text": "A lead looks"}]
    code, _ = attacked(tmp_path, "--at-most", "1")
    assert code == 0


@pytest.mark.parametrize(
    ("requirement", "then"),
    [
        ("confirm", "ran"),
        ("person", "ran"),
        ("step-up:strong", "ran"),
        ("approval:lead", "ran"),
        ("approval:lead:2;confirm", "ran"),
    ],
)
def test_a_question_in_ordinary_work_is_noted_and_answered_with_yes(
    tmp_path: Path, attacked: Attacked, requirement: str, then: str
) -> None:
    asks = WEAK + f'@id("asked") @adds("{requirement}") @because("Somebody looks")\n'
    asks += 'permit (principal, action == Action::"mail.send_mail", resource);'
    weakly = ATTACKS.replace("verification: strong", "verification: none")
    root = write_office(tmp_path, policies_office=asks, attacks_office=weakly)
    _, report = attacked(root, "--most", "0")
    (question,) = report["questions"]
    assert (question["outcome"], question["then"]) == ("asked", then)
    assert question["reasons"] == [{"rule": "asked", "text": "Somebody looks"}]
    assert report["tasks"]["asked"] == 1


def test_goals_whose_honest_call_is_not_let_run_prove_nothing(tmp_path: Path, attacked: Attacked) -> None:
    forbids = WEAK + '@id("no-mail") forbid (principal, action == Action::"mail.send_mail", resource);'
    _, report = attacked(write_office(tmp_path, policies_office=forbids))
    mail = [part for part in report["impossible"] if part["operation"] == "mail.send_mail"]
    assert mail
    assert all("the honest call" in part["why"] for part in mail)
    assert report["goals"]["by_kind"]["plant-link"]["refused"] == 0


def test_texts_that_the_agent_cannot_read_are_not_counted_as_refused(tmp_path: Path, attacked: Attacked) -> None:
    blind = '@id("no-inbox") forbid (principal, action == Action::"inbox.read_message", resource);'
    _, report = attacked(write_office(tmp_path, policies_office=WEAK + blind))
    assert report["goals"]["derived"] == 0
    assert report["tasks"]["reads_stopped"] == 2


def test_a_project_without_files_is_attacked_by_its_schemas(tmp_path: Path, attacked: Attacked) -> None:
    code, report = attacked(write_office(tmp_path, attacks_office=""))
    assert code == 1
    assert report["sets"] == []
    assert report["unscripted"] == ["clerk"]
    assert report["goals"]["reached"] > 20
    assert report["tasks"]["total"] == 0


def test_the_number_of_goals_is_bounded_and_said_so(tmp_path: Path, attacked: Attacked) -> None:
    _, report = attacked(write_office(tmp_path), "--most", "30")
    assert report["goals"]["derived"] == 30
    assert report["goals"]["left_out"] > 0
    kinds = report["goals"]["by_kind"]
    assert all(kinds[kind]["total"] for kind in ("destroy", "exfiltrate", "plant-link", "redirect"))


def test_the_same_seed_makes_the_same_run(tmp_path: Path, attacked: Attacked) -> None:
    root = write_office(tmp_path)
    first, again, other = (attacked(root, "--most", "20", "--seed", seed)[1] for seed in ("3", "3", "4"))
    assert first == again
    assert first != other


def test_nothing_is_left_in_the_project(tmp_path: Path, attacked: Attacked) -> None:
    root = write_office(tmp_path)
    before = sorted(path for path in root.rglob("*"))
    attacked(root, "--most", "5")
    assert sorted(path for path in root.rglob("*")) == before


def test_what_the_environment_lacks_is_stood_in_for(
    tmp_path: Path, attacked: Attacked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LEDGER_DATABASE", raising=False)
    monkeypatch.delenv("SHOP_API", raising=False)
    root = write_office(tmp_path)
    (root / "systems" / "ledger.yaml").write_text(
        "system: ledger\nconnector: sql\nconnection: {url: '${LEDGER_DATABASE}', password: 'secret:ledger'}\n"
        "operations:\n  get: {effect: read, from: 'SELECT a FROM t', columns: {a: string}, rows: many}\n",
        "utf-8",
    )
    (root / "interlock.yaml").write_text(MAIN + 'storage: {url: "${SHOP_API}"}\n', "utf-8")
    _, report = attacked(root, "--most", "5")
    assert report["placeholders"] == ["LEDGER_DATABASE", "SHOP_API"]


def test_undeclared_things_are_worth_a_look(tmp_path: Path, attacked: Attacked) -> None:
    bare = MAIL.replace("    sink: {recipients: [to]}\n", "").replace(
        "    arguments: {to: target, subject: content, body: content}\n", ""
    )
    _, report = attacked(write_office(tmp_path, systems_mail=bare))
    found = {(remark["kind"], remark["operation"]) for remark in report["findings"]}
    assert {("no-role", "mail.send_mail"), ("no-sink", "mail.send_mail")} <= found
    assert all(remark["file"].startswith("systems/") for remark in report["findings"])


def test_outputs_that_nobody_judged_are_worth_a_look(tmp_path: Path, attacked: Attacked) -> None:
    root = write_office(tmp_path)
    path = root / "systems" / "archive.yaml"
    text = path.read_text("utf-8").replace("      trusted_fields: [number, terms]\n", "")
    path.write_text(text, "utf-8")
    _, report = attacked(root, "--most", "5")
    assert ("no-trust", "archive.read_contract") in {(part["kind"], part["operation"]) for part in report["findings"]}


def test_an_unknown_set_is_a_wrongly_written_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "--project", str(write_office(tmp_path)), "--set", "nobody"]) == 2
    assert "sets of this project: clerk" in capsys.readouterr().err


@pytest.mark.parametrize("options", [("--at-most", "1.5"), ("--most", "-1")])
def test_options_that_cannot_be_meant_are_refused(tmp_path: Path, options: tuple[str, str]) -> None:
    assert main(["attack", "--project", str(write_office(tmp_path)), *options]) == 2


async def test_a_set_that_no_file_has_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(AttackSetUnknown):
        await run_suite(write_office(tmp_path), {}, Choice(names=("nobody",)), _quiet)


async def test_a_project_without_agents_has_nothing_to_attack(tmp_path: Path) -> None:
    root = write_office(tmp_path, agents_clerk="", attacks_office="")
    with pytest.raises(NothingToAttack):
        await run_suite(root, {}, Choice(), _quiet)


async def test_a_broken_file_of_attacks_stops_the_run(tmp_path: Path) -> None:
    root = write_office(tmp_path, attacks_office=ATTACKS.replace("agent: clerk", "agent: nobody"))
    with pytest.raises(ProjectInvalid):
        await run_suite(root, {}, Choice(), _quiet)


async def test_every_call_that_counts_fitted_its_schema(tmp_path: Path) -> None:
    report = await run_suite(write_office(tmp_path), {}, Choice(), _quiet)
    operations = report.project.catalog.operations
    for result in report.goals:
        holds = operations[result.goal.target.operation].input.holds(dict(result.goal.target.arguments))
        assert holds or result.outcome is Outcome.impossible


async def test_an_agent_of_another_connector_is_never_really_called(tmp_path: Path) -> None:
    """The systems here are external: a real installation would hand each call back to its caller, who executes it."""
    report = await run_suite(write_office(tmp_path, agents_clerk=AGENT), {}, Choice(), _quiet)
    assert {step.outcome for task in report.tasks for step in task.steps} == {Outcome.ran}


def test_the_report_reads_without_colour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["attack", "--project", str(write_office(tmp_path)), "--most", "40"]) == 1
    out, err = capsys.readouterr()
    assert "REACHED  " in out
    assert "to do" in out
    assert "goals reached their sink without anybody being asked" in out
    assert "derived ones" in err
