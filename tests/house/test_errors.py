"""Every error has a stable code and a home, and some test raises it."""

from __future__ import annotations

import inspect
import re

import pytest

from interlock.values.errors import InterlockError, registered_errors
from tests.house.source import modules
from tools.reference import import_everything

CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@pytest.fixture(scope="module")
def errors() -> dict[str, type[InterlockError]]:
    import_everything()
    return {c: e for c, e in registered_errors().items() if e.__module__.startswith("interlock.")}


def test_codes_are_plain_words(errors: dict[str, type[InterlockError]]) -> None:
    assert not [code for code in errors if not CODE.fullmatch(code)], "write them `like_this`"


def test_errors_live_in_their_capability(errors: dict[str, type[InterlockError]]) -> None:
    offenders = [error.__qualname__ for error in errors.values() if error.__module__.rsplit(".", 1)[1] != "errors"]
    assert not offenders, "an error class belongs in the `errors.py` of the capability that raises it"


def test_every_error_says_what_it_means(errors: dict[str, type[InterlockError]]) -> None:
    silent = [
        code
        for code, error in errors.items()
        if not inspect.getdoc(error) or error.__doc__ is None or error.title == InterlockError.title
    ]
    assert not silent, "each needs a title of its own and a docstring"


def test_every_error_is_raised_by_some_test(errors: dict[str, type[InterlockError]]) -> None:
    words = set()
    for module in modules("tests"):
        if not module.place.startswith("tests/house/"):
            words |= set(re.findall(r"[\w.-]+", module.text))
    assert not [code for code, error in errors.items() if not words & {code, error.__name__}]
