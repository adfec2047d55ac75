"""What Firebird's wire carries: ciphers as the driver's own have them, and nothing that a broken server can do."""

from __future__ import annotations

import hashlib
import socket
from typing import Any

import firebirdsql
import pytest
from firebirdsql.arc4 import ARC4
from firebirdsql.chacha import ChaCha20
from hypothesis import example, given
from hypothesis import strategies as st

from interlock.integration.connectors.sql.firebird_lines import Line
from interlock.integration.connectors.sql.firebird_sessions import Session, hearing
from interlock.integration.connectors.sql.firebird_values import message, positional, spoken

OPTIONS: dict[str, Any] = {"user": "sysdba", "password": "p", "database": "d", "most": 1 << 16}
KEY = bytes(range(20))


def pair(said: bytes, seconds: float = 1.0) -> tuple[Line, socket.socket]:
    """Return a line to somebody who has said *said* and says nothing more."""
    here, there = socket.socketpair()
    there.sendall(said)
    there.shutdown(socket.SHUT_WR)
    return Line(here, seconds, 1 << 16), there


@pytest.mark.parametrize(
    ("cipher", "nonce", "own"),
    [
        ("Arc4", b"", ARC4.new(KEY)),
        ("ChaCha", bytes(range(12)), ChaCha20.new(hashlib.sha256(KEY).digest(), bytes(range(12)))),
        ("ChaCha64", bytes(range(8)), ChaCha20.new(hashlib.sha256(KEY).digest(), bytes(range(8)))),
    ],
)
def test_ciphers_are_those_of_the_driver(cipher: str, nonce: bytes, own: Any) -> None:
    line, there = pair(own.encrypt(b"heard in two" * 20))
    with there:
        line.encrypt(cipher, KEY, nonce)
        assert line.recv(12) == b"heard in two"
        line.send(b"said by us")
        assert there.recv(100) != b"said by us"
        line.close()


ACCEPTED = b"\x00\x00\x00\x62\xff\xff\x80\x0f\x00\x00\x00\x01\x00\x00\x00\x03"


@given(st.binary(max_size=200))
@example(ACCEPTED + b"\x7f\xff\xff\xff")
@example(ACCEPTED + b"\xff\xff\xff\xff")
@example(ACCEPTED + bytes(4) + b"\x00\x00\x00\x0bLegacy_Auth\x00" + bytes(8))
@example(ACCEPTED + bytes(4) + b"\x00\x00\x00\x03Srp\x00" + bytes(8))
@example(b"\x00\x00\x00\x09" + bytes(12) + b"\x00\x00\x00\x00" + b"\x00\x00\x00\x01\x14\x00\x00\x10" + bytes(4))
@example(b"\x00\x00\x00\x47" * 20)
def test_whatever_is_said_instead_of_a_sign_in_is_an_error_of_the_driver(said: bytes) -> None:
    line, there = pair(said)
    with there, pytest.raises(firebirdsql.Error), hearing():
        Session(line, OPTIONS, b"Srp256").sign_in()
    line.close()


@given(st.binary(max_size=200))
def test_whatever_is_said_instead_of_rows_is_rows_or_an_error_of_the_driver(said: bytes) -> None:
    line, there = pair(b"\x00\x00\x00\x42\x00\x00\x00\x00\x00\x00\x00\x01" + said)
    session = Session(line, OPTIONS, b"Srp256")
    session.accept_version, session.accept_type = 15, 3

    class Column:
        sqltype, sqlsubtype, sqllen, sqlscale = 448, 4, 40, 0

        def io_length(self) -> int:
            return -1

        def value(self, raw: bytes) -> str:
            return raw.decode()

    with there:
        try:
            with hearing():
                rows, _ = session.fetch(1, [Column()])
        except firebirdsql.Error:
            pass
        else:
            assert all(row == [None] or isinstance(row[0], str) for row in rows)
    line.close()


def test_a_server_that_says_more_than_any_answer_holds_is_not_heard_to_its_end() -> None:
    here, there = socket.socketpair()
    line = Line(here, 5.0, 0)
    line._left = 1000
    with there:
        there.sendall(bytes(2000))
        with pytest.raises(firebirdsql.InterfaceError):
            line.recv(4)
    assert line.closed


def test_parameters_take_their_places_and_nothing_else_does() -> None:
    assert positional("a = %(b)s AND c = '5%%' AND d = %(b)s", {"b": 1}) == ("a = ? AND c = '5%' AND d = ?", [1, 1])


class Kind:
    def __init__(self, sqltype: int) -> None:
        self.sqltype = sqltype


@pytest.mark.parametrize(
    ("value", "kind", "form", "octets"),
    [
        (12.5, 580, b"\x10\xff", (125).to_bytes(8, "big")),
        (-0.07, 580, b"\x10\xfe", (-7).to_bytes(8, "big", signed=True)),
        (0.5, 480, b"\x1b", b"\x3f\xe0" + bytes(6)),
        (1e300, 580, b"\x1b", b"\x7e\x37\xe4\x3c\x88\x00\x75\x9c"),
        (True, 32764, b"\x17", b"\x01\x00\x00\x00"),
        (0, 32764, b"\x17", b"\x00\x00\x00\x00"),
        (True, 496, b"\x08\x00", b"\x00\x00\x00\x01"),
        (2**31, 580, b"\x10\x00", (2**31).to_bytes(8, "big")),
        (2**63, 580, b"\x0e\x13\x00", b"9223372036854775808\x00"),
        ("a\u00fc", 448, b"\x0e\x03\x00", b"a\xc3\xbc\x00"),
        ("2026-01-31T10:00", 510, b"\x0e\x10\x00", b"2026-01-31 10:00"),
        ("THE", 448, b"\x0e\x03\x00", b"THE\x00"),
    ],
)
def test_a_value_has_the_form_that_the_parameter_wants(value: Any, kind: int, form: bytes, octets: bytes) -> None:
    head, tail = b"\x05\x02\x04\x00\x02\x00", b"\x07\x00\xff\x4c"
    assert message([value], [Kind(kind)]) == (head + form + tail, bytes(4) + octets)


def test_null_is_a_flag_and_no_octets() -> None:
    form, octets = message([None, 1, None], [Kind(448)] * 3)
    assert octets == b"\x05\x00\x00\x00" + (1).to_bytes(4, "big")
    assert form.count(b"\x0e\x00\x00") == 2


@pytest.mark.parametrize(
    ("name", "quoted", "said"),
    [("Id", False, "id"), ("ID", True, "id"), ("Id", True, "Id"), ("id", True, "id"), ("A B", True, "a b")],
)
def test_a_name_is_spoken_in_small_letters_unless_it_has_both(name: str, quoted: bool, said: str) -> None:
    assert spoken(name, quoted=quoted) == said
