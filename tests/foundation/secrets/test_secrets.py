"""Secrets by reference: where they are looked for, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.foundation.secrets import SecretStore, is_reference, secret_name
from interlock.foundation.secrets.errors import (
    SecretFileInvalid,
    SecretInsecure,
    SecretMissing,
    SecretReferenceInvalid,
)


def private(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_the_environment_comes_first_then_the_file_then_the_directory(tmp_path: Path) -> None:
    environment = {"INTERLOCK_SECRET_ERP_MAIN": "one"}
    file = private(tmp_path / "secrets.env", "erp.main=two\nbilling='three'\n# note\n\nexport help-desk = four \n")
    folder = tmp_path / "secrets"
    folder.mkdir()
    private(folder / "billing", "five\n")
    private(folder / "mail", "six\nseven\n", 0o400)
    store = SecretStore.standard(file=file, directory=folder, environment=environment)
    assert store.get("secret:erp-main").reveal() == "one"
    assert store.get("secret:billing").reveal() == "three"
    assert store.get("secret:help-desk").reveal() == "four"
    assert store.get("secret:mail").reveal() == "six\nseven"
    assert store.get("secret:billing").name == "billing"
    assert store.has("secret:mail")
    assert not store.has("secret:other")


def test_a_secret_does_not_show_itself(tmp_path: Path) -> None:
    store = SecretStore.standard(environment={"INTERLOCK_SECRET_A": "hunter2"})
    assert "hunter2" not in f"{store.get('secret:a')} {store.get('secret:a')!r} {vars(store)}"


def test_a_missing_secret_names_every_place_that_was_looked_in(tmp_path: Path) -> None:
    store = SecretStore.standard(file=tmp_path / "secrets.env", directory=tmp_path / "s", environment={})
    with pytest.raises(SecretMissing) as caught:
        store.get("secret:erp-main")
    text = str(caught.value)
    assert "INTERLOCK_SECRET_ERP_MAIN" in text
    assert str(tmp_path / "secrets.env") in text
    assert str(tmp_path / "s" / "erp-main") in text


def test_an_empty_secret_is_a_missing_one(tmp_path: Path) -> None:
    file = private(tmp_path / "secrets.env", "a=\n")
    with pytest.raises(SecretMissing):
        SecretStore.standard(file=file, environment={"INTERLOCK_SECRET_A": ""}).get("secret:a")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602, 0o660, 0o601])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "secrets.env", "a=hunter2", mode)
    with pytest.raises(SecretInsecure) as caught:
        SecretStore.standard(file=file, environment={}).get("secret:a")
    assert "chmod 600" in caught.value.fix
    assert "hunter2" not in str(caught.value)


def test_a_file_that_was_private_and_no_longer_is_one_is_refused(tmp_path: Path) -> None:
    file = private(tmp_path / "secrets.env", "a=b")
    store = SecretStore.standard(file=file, environment={})
    assert store.get("secret:a").reveal() == "b"
    file.chmod(0o644)
    with pytest.raises(SecretInsecure):
        store.get("secret:a")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    os.chown(private(folder / "a", "b"), 12345, 12345)
    with pytest.raises(SecretInsecure):
        SecretStore.standard(directory=folder, environment={}).get("secret:a")


def test_a_changed_secret_counts_at_once(tmp_path: Path) -> None:
    file = private(tmp_path / "secrets.env", "a=one")
    folder = tmp_path / "s"
    folder.mkdir()
    private(folder / "b", "one")
    environment = {"INTERLOCK_SECRET_C": "one"}
    store = SecretStore.standard(file=file, directory=folder, environment=environment)
    before = [store.get(f"secret:{name}").reveal() for name in "abc"]
    private(file, "a=second")
    private(tmp_path / "new", "third").replace(folder / "b")
    environment["INTERLOCK_SECRET_C"] = "fourth"
    assert before == ["one", "one", "one"]
    assert [store.get(f"secret:{name}").reveal() for name in "abc"] == ["second", "third", "fourth"]
    file.unlink()
    with pytest.raises(SecretMissing):
        store.get("secret:a")


def test_a_broken_secrets_file_names_the_line_and_not_what_is_in_it(tmp_path: Path) -> None:
    file = private(tmp_path / "secrets.env", "a=b\nhunter2\n")
    with pytest.raises(SecretFileInvalid) as caught:
        SecretStore.standard(file=file, environment={}).get("secret:a")
    assert "line 2" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_only_ordinary_text_files_of_a_sensible_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo", 0o600)
    big = private(tmp_path / "big", "x" * 300_000)
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    binary.chmod(0o600)
    store = SecretStore.standard(directory=tmp_path, environment={})
    for name in ("folder", "fifo", big.name, binary.name):
        with pytest.raises(SecretFileInvalid):
            store.get(f"secret:{name}")


@pytest.mark.parametrize(
    "reference",
    ["billing", "secret:", "secret:../etc/passwd", "secret:a/b", "secret:.a", "secret:a b", "SECRET:a", ""],
)
def test_what_is_no_reference_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(SecretReferenceInvalid) as caught:
        SecretStore.standard(environment={}).get(reference)
    assert not reference or "etc/passwd" not in str(caught.value)


def test_references_are_recognised() -> None:
    assert is_reference("secret:x")
    assert not is_reference("x")
    assert not is_reference(5)
    assert secret_name("secret:a.b-c_D1") == "a.b-c_D1"
