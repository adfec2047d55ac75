"""Plug-ins: found without being loaded, loaded with an error that helps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.foundation.plugins import CONNECTORS, PROVIDERS, load_plugin, plugins
from interlock.foundation.plugins.errors import PluginBroken, PluginConflict, PluginMissing

GROUP = "interlock.tested"


def install(folder: Path, package: str, entries: str, code: str) -> None:
    """Lay a distribution into *folder*, as an installer would."""
    (folder / f"{package}.py").write_text(code, encoding="utf-8")
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entries}\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("tested_")]:
        del sys.modules[name]


def test_a_strangers_plugin_is_found_without_being_imported_then_loaded(site: Path) -> None:
    install(site, "tested_one", "crm = tested_one:plugin\nalpha = tested_one:plugin", "plugin = object()")
    found = plugins(GROUP)
    assert list(found) == ["alpha", "crm"]
    assert "tested_one" not in sys.modules
    assert load_plugin(GROUP, "crm") is sys.modules["tested_one"].plugin


def test_the_shipped_plugins_are_found_the_same_way_and_none_is_imported() -> None:
    code = (
        "import sys\nfrom interlock.foundation.plugins import *\n"
        "print(*plugins(CONNECTORS), *plugins(PROVIDERS))\n"
        "print([name for name in sys.modules if 'connectors' in name or 'providers' in name])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    connectors = "broker edi external files fixed graphql grpc http ldap mail mcp openapi program rpc soap sql terminal"
    connectors = f"{connectors} warehouse webhook"
    assert out.splitlines() == [f"{connectors} anthropic bedrock gemini local openai rules", "[]"]


def test_an_unknown_plugin_names_the_known_ones_and_the_nearest(site: Path) -> None:
    install(site, "tested_two", "graphql = tested_two:plugin", "plugin = 1")
    with pytest.raises(PluginMissing) as caught:
        load_plugin(GROUP, "grapql")
    assert "did you mean 'graphql'?" in str(caught.value)
    with pytest.raises(PluginMissing) as caught:
        load_plugin("interlock.none", "x")
    assert "installed are none" in str(caught.value)


def test_two_packages_under_one_name_are_refused(site: Path) -> None:
    install(site, "tested_three", "crm = tested_three:plugin", "plugin = 1")
    install(site, "tested_four", "crm = tested_four:plugin", "plugin = 2")
    with pytest.raises(PluginConflict) as caught:
        plugins(GROUP)
    assert "tested_three" in str(caught.value)
    assert "tested_four" in str(caught.value)


def test_a_missing_package_names_the_extra_that_brings_it(site: Path) -> None:
    install(site, "tested_five", "crm = tested_five:plugin", "import tested_driver.inner")
    with pytest.raises(PluginBroken) as caught:
        load_plugin(GROUP, "crm", extras={"tested_driver": "crm"})
    assert caught.value.fix == "pip install 'interlock-control[crm]'"


def test_an_entry_point_that_leads_nowhere_is_said_so(site: Path) -> None:
    install(site, "tested_six", "crm = tested_six:plugin", "other = 1")
    with pytest.raises(PluginBroken) as caught:
        load_plugin(GROUP, "crm")
    assert "tested_six:plugin does not exist" in str(caught.value)


def test_the_groups_are_those_that_packages_register_under() -> None:
    assert (CONNECTORS, PROVIDERS) == ("interlock.connectors", "interlock.providers")
