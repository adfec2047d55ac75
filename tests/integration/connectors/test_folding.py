"""Names of other languages in the letters of identifiers."""

from __future__ import annotations

import pytest

from interlock.integration.systems import folded


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Größe", "Groesse"),
        ("Stra\u00dfe", "Strasse"),
        ("u\u0308ber", "ueber"),  # written as two signs
        ("café", "cafe"),
        ("Łódź", "Lodz"),
        ("Ærø", "Aeroe"),
        ("konto_nr", "konto_nr"),
        ("заказ", "заказ"),
        ("", ""),
    ],
)
def test_latin_letters_become_ascii(name: str, letters: str) -> None:
    assert folded(name) == letters
