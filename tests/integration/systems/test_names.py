"""What the systems registry answers about systems and operations that are not its to run."""

from __future__ import annotations

import pytest

from interlock.integration.systems import OperationExternal, SystemUnknown
from tests.integration.conftest import Workbench

NOTES = {
    "system": "notes",
    "connector": "external",
    "operations": {"write": {"effect": "write", "input": {"type": "object"}}},
}


async def test_an_unknown_system_is_named_with_the_nearest_one(bench: Workbench) -> None:
    systems = await bench.serve(NOTES)
    for ask in (systems.probe, systems.drift):
        with pytest.raises(SystemUnknown) as error:
            await ask("notse")
        assert "notes" in str(error.value)


async def test_an_operation_that_its_caller_runs_is_never_run_here(bench: Workbench) -> None:
    systems = await bench.serve(NOTES)
    with pytest.raises(OperationExternal):
        await systems.call("notes.write", {})
