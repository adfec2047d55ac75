"""The four systems of the crossing, and Interlock in front of them, twice: once the helpdesk cannot send mail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.systems.crossing import house as houses
from tests.systems.crossing.house import House
from tests.systems.helpdesk import machine as helpdesk_machine
from tests.systems.tryton import machine


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with _house(tmp_path_factory, mail=True) as found:
        yield found


@pytest.fixture(scope="package")
def without_mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with _house(tmp_path_factory, mail=False) as found:
        yield found


@contextmanager
def _house(folders: pytest.TempPathFactory, *, mail: bool) -> Iterator[House]:
    if shutil.which("cobc") is None:
        pytest.skip("no GnuCOBOL compiler (cobc) on the PATH (hint: apt-get install gnucobol3)")
    with (
        machine.running() as tryton,
        helpdesk_machine.running(mail=mail) as helpdesk,
        houses.running(folders.mktemp("crossing"), tryton, helpdesk) as found,
    ):
        yield found
