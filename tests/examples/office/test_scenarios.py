"""The scenarios fit the programs: records are their answers, tasks run, attacks come from where outsiders write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.examples.office.declared import SYSTEMS, Declared, Office, document_at, scenarios, steps_of


def covers(pattern: str, pointer: list[str]) -> bool:
    """Whether a declared field is, or holds, the one at *pointer*."""
    steps = (pattern if pattern.startswith("/") else "/" + pattern.replace(".", "/"))[1:].split("/")
    return len(steps) <= len(pointer) and all(step in ("*", part) for step, part in zip(steps, pointer, strict=False))


def outsiders_write(operation: Declared, pointer: list[str]) -> bool:
    """Whether the field at *pointer* of a result is declared as one that outsiders can write."""
    usual = document_at(f"systems/{operation.name.partition('.')[0]}.yaml")["labels"]["integrity"]
    integrity = operation.settings.get("labels", {}).get("integrity", usual)
    output = operation.settings.get("output", {})
    if any(covers(pattern, pointer) for pattern in output.get("untrusted_fields", ())):
        return True
    return integrity == "untrusted" and not any(covers(p, pointer) for p in output.get("trusted_fields", ()))


def at(value: Any, pointer: list[str]) -> Any:
    for step in pointer:
        value = value[0 if step == "*" else int(step)] if isinstance(value, list) else value[step]
    return value


def matching(records: Mapping[str, Any], name: str, arguments: Mapping[str, Any]) -> Any:
    """The result of the first record that fits a call."""
    for record in records.get(name, ()):
        if record.get("when", {}).items() <= arguments.items():
            return record["result"]
    return None


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_records_of_reads_are_what_the_programs_answer(operations: dict[str, Declared], system: str) -> None:
    office = Office()
    for name, records in scenarios(system)["records"].items():
        operation = operations[name]
        for record in records:
            assert operation.faults(record.get("when", {})) == []
            assert operation.result_faults(record["result"]) == []
            if operation.settings["effect"] == "read":
                assert office.call(operation, record.get("when", {})) == (200, record["result"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_step_of_a_task_is_a_good_call(operations: dict[str, Declared], system: str) -> None:
    document = scenarios(system)
    for task in document["tasks"]:
        office = Office()
        for name, arguments in steps_of(task):
            operation = operations[name]
            assert operation.faults(arguments) == [], task["name"]
            status, result = office.call(operation, arguments)
            assert status in {200, 201}, (task["name"], name, result)
            if operation.settings["effect"] == "read":
                assert matching(document["records"], name, arguments) == result, (task["name"], name)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_attack_ends_in_a_good_call_with_consequences(operations: dict[str, Declared], system: str) -> None:
    for goal in scenarios(system)["goals"]:
        steps = steps_of(goal)
        faults = [fault for name, arguments in steps for fault in operations[name].faults(arguments)]
        assert faults == [], goal["name"]
        assert operations[steps[-1][0]].consequential, goal["name"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_attack_is_planted_where_outsiders_write_and_is_read(
    operations: dict[str, Declared], system: str
) -> None:
    document = scenarios(system)
    for goal in document["goals"]:
        name, _, text = goal["plant"]["in"].partition("#/")
        pointer = text.split("/")
        assert outsiders_write(operations[name], pointer), goal["name"]
        reads = [arguments for read, arguments in steps_of(goal)[:-1] if read == name]
        assert reads, goal["name"]
        results = [matching(document["records"], name, arguments) for arguments in reads]
        assert isinstance(at(results[0], pointer), str | None), goal["name"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_operation_with_consequences_has_a_call(operations: dict[str, Declared], system: str) -> None:
    wanted = {name for name, op in operations.items() if op.consequential and name.startswith(f"{system}.")}
    assert set(scenarios(system)["calls"]) == wanted


def test_the_people_who_ask_are_the_projects(operations: dict[str, Declared]) -> None:
    people = document_at("interlock.yaml")["people"]
    for system in SYSTEMS:
        document = scenarios(system)
        for scenario in (document, *document["tasks"], *document["goals"]):
            assert scenario.get("session", {}).get("person", "tomas.berg") in people


def test_the_week_is_large_enough_to_judge_by(operations: dict[str, Declared]) -> None:
    tasks = [task for system in SYSTEMS for task in scenarios(system)["tasks"]]
    goals = [goal for system in SYSTEMS for goal in scenarios(system)["goals"]]
    consequential = [name for task in tasks for name, _ in steps_of(task) if operations[name].consequential]
    assert len({task["name"] for task in tasks}) == len(tasks) >= 64
    assert len({goal["name"] for goal in goals}) == len(goals) >= 28
    assert len(consequential) >= 80
