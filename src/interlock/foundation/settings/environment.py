"""The few settings that a process takes from its environment, listed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interlock.foundation.settings.errors import SettingInvalid


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable: what it is for, and since which version it is there.

    *default* is what counts if it is not set or empty; *form* says in words what a value looks like.
    """

    name: str
    form: str
    default: str
    text: str
    since: str = "0.1.0"


SETTINGS = (
    Setting("INTERLOCK_PROJECT", "a folder", ".", "The project's folder, which holds interlock.yaml."),
    Setting("INTERLOCK_STATE", "a folder", ".interlock", "Where state is kept, relative to the project."),
    Setting("INTERLOCK_URL", "an http address", "http://127.0.0.1:8640", "The server that commands talk to."),
    Setting("INTERLOCK_KEY", "an API key", "", "The key with which commands talk to the server."),
    Setting("INTERLOCK_SECRET_NAME", "a text", "", "What `secret:name` stands for, NAME in capitals."),
    Setting("INTERLOCK_FAULT", "POINT or POINT:NTH", "", "For tests: where the process dies."),
)
"""Every environment variable that Interlock itself reads (projects may name further ones with `${VAR}`)."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def setting(name: str, environment: Mapping[str, str]) -> str:
    """Return the value of the setting *name* (one of `SETTINGS`), or its default.

    Raises `SettingInvalid` for an address that is none, and `KeyError` for a name that is not listed.
    """
    known = _BY_NAME[name]
    value = environment.get(name) or known.default
    if name == "INTERLOCK_URL" and not value.startswith(("http://", "https://")):
        raise SettingInvalid(f"{name} is not {known.form}", fix=f"set it to something like {known.default}")
    return value
