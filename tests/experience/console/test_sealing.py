"""The sealed cookie: opened by its own key alone, and never after a change of a single bit."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.experience.console.sealing import KEY_FILE, Seal, SignIn, seal_in
from interlock.foundation.secrets.errors import KeptKeyUnsafe

SIGN_IN = SignIn("Bearer ik_abc_def", "token", 100.0, 200.0)
SEAL = Seal(b"k" * 32)


def test_what_is_sealed_comes_out_again_and_cannot_be_read() -> None:
    sealed = SEAL.close(SIGN_IN)
    assert SEAL.open(sealed) == SIGN_IN
    assert b"ik_abc" not in urlsafe_b64decode(sealed)
    assert sealed != SEAL.close(SIGN_IN)


@given(st.data())
def test_any_changed_bit_is_found(data: st.DataObject) -> None:
    raw = bytearray(urlsafe_b64decode(SEAL.close(SIGN_IN)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    assert SEAL.open(urlsafe_b64encode(bytes(raw)).decode()) is None


@given(st.text(max_size=200))
def test_anything_else_is_no_sign_in(text: str) -> None:
    assert SEAL.open(text) is None


def test_another_key_opens_nothing() -> None:
    assert Seal(b"x" * 32).open(SEAL.close(SIGN_IN)) is None


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    sealed = seal_in(tmp_path / "state").close(SIGN_IN)
    assert seal_in(tmp_path / "state").open(sealed) == SIGN_IN
    assert (tmp_path / "state" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "state").iterdir()] == [KEY_FILE]


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    seal_in(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(KeptKeyUnsafe, match="others"):
        seal_in(tmp_path)


@pytest.mark.parametrize("content", ["", "not hex", "abcd", "ff" * 31])
def test_a_file_that_holds_no_key_is_not_used(tmp_path: Path, content: str) -> None:
    (tmp_path / KEY_FILE).write_text(content)
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(KeptKeyUnsafe, match="holds no key"):
        seal_in(tmp_path)
