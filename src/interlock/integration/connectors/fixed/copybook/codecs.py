"""How one elementary field is written in bytes: texts, numbers and their signs, each read exactly or not at all."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Protocol

from interlock.integration.connectors.fixed.copybook.charsets import Charset
from interlock.integration.connectors.fixed.copybook.dialects import HIGH, Order

EXACT_DIGITS = 15  # a decimal number of so many digits is the same after a turn through a double
_WIDE = Context(prec=100)
_POSITIVE = frozenset({0xA, 0xC, 0xE, 0xF})
_NEGATIVE = frozenset({0xB, 0xD})
_POSITIVE_LETTERS = {ord(sign): digit for digit, sign in enumerate("{ABCDEFGHI")}
_NEGATIVE_LETTERS = {ord(sign): digit for digit, sign in enumerate("}JKLMNOPQR")}


class Unreadable(ValueError):
    """The bytes of a field are not what its picture allows; the text says why, without repeating them."""


class Unfit(ValueError):
    """A value does not fit into its field; the text says why, without repeating it."""


class Codec(Protocol):
    """One way to write one field. *size* is in bytes."""

    @property
    def size(self) -> int:
        """How many bytes the field takes."""
        ...

    def decode(self, data: bytes) -> Any:
        """Return the value of exactly `size` bytes. Raises `Unreadable`."""
        ...

    def encode(self, value: Any) -> bytes:
        """Return the `size` bytes of a value. Raises `Unfit`."""
        ...

    def initial(self) -> bytes:
        """Return the bytes of a field that nothing was moved to."""
        ...


@dataclass(frozen=True, slots=True)
class TextCodec:
    """Characters, filled with spaces; the filling is no part of the value."""

    size: int
    charset: Charset
    justified: bool = False

    def decode(self, data: bytes) -> str:
        try:
            text = self.charset.decode(data)
        except UnicodeDecodeError as error:
            raise Unreadable(f"byte {error.start + 1} is no character of {self.charset.name}") from None
        return text.lstrip(" ") if self.justified else text.rstrip(" ")

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise Unfit("must be a text")
        try:
            data = self.charset.encode(value)
        except UnicodeEncodeError:
            raise Unfit(f"holds a character that {self.charset.name} does not have") from None
        if len(data) > self.size:
            raise Unfit(f"is longer than {self.size} bytes")
        space = self.charset.space
        return data.rjust(self.size, space) if self.justified else data.ljust(self.size, space)

    def initial(self) -> bytes:
        return self.charset.space * self.size


@dataclass(frozen=True, slots=True)
class NationalCodec:
    """Characters of two bytes each (UTF-16, the high byte first)."""

    size: int

    def decode(self, data: bytes) -> str:
        try:
            return data.decode("utf-16-be").rstrip(" ")
        except UnicodeDecodeError:
            raise Unreadable("is no UTF-16") from None

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise Unfit("must be a text")
        try:
            data = value.encode("utf-16-be")
        except UnicodeEncodeError:
            raise Unfit("holds a half of a character") from None
        if len(data) > self.size:
            raise Unfit(f"is longer than {self.size // 2} positions")
        return data + b"\x00 " * ((self.size - len(data)) // 2)

    def initial(self) -> bytes:
        return b"\x00 " * (self.size // 2)


@dataclass(frozen=True, slots=True)
class Number:
    """What a picture says of a number: so many *digits*, *scale* of them after the point."""

    digits: int
    scale: int
    signed: bool

    def value(self, whole: int) -> Decimal:
        """Return the number whose digits are *whole*, exactly."""
        return Decimal(whole).scaleb(-self.scale, _WIDE)

    def whole(self, value: Any) -> int:
        """Return the digits of *value* as a whole number. Raises `Unfit` rather than round or cut."""
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
            raise Unfit("must be a number")
        try:
            number = Decimal(repr(value) if isinstance(value, float) else value)
        except InvalidOperation:
            raise Unfit("must be a number") from None
        if not number.is_finite() or not -200 < number.adjusted() < 100:
            raise Unfit("is out of the range of its picture")
        scaled = number.scaleb(self.scale, Context(prec=400))
        whole = scaled.to_integral_value(ROUND_DOWN)
        if whole != scaled:
            places = f"{self.scale} places after the point" if self.scale >= 0 else f"{-self.scale} zeros at its end"
            raise Unfit(f"has more places than its picture, which has {places}")
        if whole < 0 and not self.signed:
            raise Unfit("is negative, and its picture has no sign")
        return int(whole)

    def fitting(self, value: Any) -> int:
        """Return the same, of no more digits than the picture has. Raises `Unfit`."""
        whole = self.whole(value)
        if abs(whole) >= 10**self.digits:
            raise Unfit(f"has more than the {self.digits} digits of its picture")
        return whole


@dataclass(frozen=True, slots=True)
class ZonedCodec:
    """A digit in each byte. *sign* names how a sign shares a byte with a digit, unless it is *separate*."""

    number: Number
    charset: Charset
    sign: str
    leading: bool = False
    separate: bool = False
    blank_when_zero: bool = False

    @property
    def size(self) -> int:
        return self.number.digits + (self.number.signed and self.separate)

    def decode(self, data: bytes) -> Decimal:
        if self.blank_when_zero and data == self.charset.space * self.size:
            return Decimal(0)
        negative = False
        digits = data
        if self.number.signed and self.separate:
            mark, digits = (data[:1], data[1:]) if self.leading else (data[-1:], data[:-1])
            negative = self._mark(mark)
            signed_at = -1
        else:
            signed_at = 0 if self.leading and self.number.signed else len(data) - 1
        whole = 0
        for index, byte in enumerate(digits):
            if index == signed_at:
                digit, negative = self._signed_digit(byte, index)
            else:
                digit = byte - self.charset.zero
            if not 0 <= digit <= 9:
                raise Unreadable(f"byte {index + 1} is no digit")
            whole = whole * 10 + digit
        return self.number.value(-whole if negative else whole)

    def _mark(self, mark: bytes) -> bool:
        if mark not in {self.charset.encode("+"), self.charset.encode("-")}:
            raise Unreadable("its sign is neither + nor -")
        return mark == self.charset.encode("-")

    def _signed_digit(self, byte: int, index: int) -> tuple[int, bool]:
        if self.charset.ebcdic:
            zone, digit = byte >> 4, byte & 15
            if zone in _NEGATIVE and self.number.signed:
                return digit, True
            if zone in _POSITIVE:
                return digit, False
            raise Unreadable(f"the zone of byte {index + 1} is no sign")
        if 0x30 <= byte <= 0x39 or not self.number.signed:
            return byte - 0x30, False
        if self.sign == HIGH:
            return byte - 0x70, True
        if byte in _POSITIVE_LETTERS:
            return _POSITIVE_LETTERS[byte], False
        return _NEGATIVE_LETTERS.get(byte, -1), True

    def encode(self, value: Any) -> bytes:
        whole = self.number.fitting(value)
        if self.blank_when_zero and whole == 0:
            return self.charset.space * self.size
        zero = self.charset.zero
        data = bytearray(zero + int(digit) for digit in str(abs(whole)).rjust(self.number.digits, "0"))
        if not self.number.signed:
            return bytes(data)
        if self.separate:
            mark = self.charset.encode("-" if whole < 0 else "+")
            return mark + bytes(data) if self.leading else bytes(data) + mark
        at = 0 if self.leading else len(data) - 1
        data[at] = self._overpunched(data[at] - zero, negative=whole < 0)
        return bytes(data)

    def _overpunched(self, digit: int, *, negative: bool) -> int:
        if self.charset.ebcdic:
            return (0xD0 if negative else 0xC0) + digit
        if self.sign == HIGH:
            return (0x70 if negative else 0x30) + digit
        return ord("}JKLMNOPQR"[digit] if negative else "{ABCDEFGHI"[digit])

    def initial(self) -> bytes:
        return self.encode(0)


@dataclass(frozen=True, slots=True)
class PackedCodec:
    """Two digits in each byte and a sign in the last half; COMP-6 has no sign half."""

    number: Number
    with_sign: bool = True

    @property
    def size(self) -> int:
        return self.number.digits // 2 + 1 if self.with_sign else (self.number.digits + 1) // 2

    def decode(self, data: bytes) -> Decimal:
        halves = data.hex()
        negative = False
        if self.with_sign:
            sign = int(halves[-1], 16)
            halves = halves[:-1]
            negative = sign in _NEGATIVE
            if sign < 10:
                raise Unreadable("its last half byte is no sign")
            if negative and not self.number.signed:
                raise Unreadable("is negative, and its picture has no sign")
        if not halves.isdigit():
            raise Unreadable("a half byte is no digit")
        whole = int(halves)
        if whole >= 10**self.number.digits:
            raise Unreadable(f"has more than the {self.number.digits} digits of its picture")
        return self.number.value(-whole if negative else whole)

    def encode(self, value: Any) -> bytes:
        whole = self.number.fitting(value)
        halves = str(abs(whole))
        if self.with_sign:
            halves += "f" if not self.number.signed else "d" if whole < 0 else "c"
        return bytes.fromhex(halves.rjust(self.size * 2, "0"))

    def initial(self) -> bytes:
        return self.encode(0)


@dataclass(frozen=True, slots=True)
class BinaryCodec:
    """A binary number. *full* says that it may hold all that its bytes can (COMP-5), not only its picture's digits."""

    number: Number
    size: int
    order: Order
    full: bool = False

    @property
    def wide(self) -> bool:
        """Whether it holds more digits than a JSON number keeps."""
        return self.number.digits > EXACT_DIGITS or (self.full and self.size > 4)

    def decode(self, data: bytes) -> Decimal:
        whole = int.from_bytes(data, self.order, signed=self.number.signed)
        if not self.wide and abs(whole) >= 10**EXACT_DIGITS:
            raise Unreadable(f"has more than the {self.number.digits} digits of its picture")
        return self.number.value(whole)

    def encode(self, value: Any) -> bytes:
        whole = self.number.whole(value) if self.full else self.number.fitting(value)
        try:
            return whole.to_bytes(self.size, self.order, signed=self.number.signed)
        except OverflowError:
            raise Unfit(f"does not fit into {self.size} bytes") from None

    def initial(self) -> bytes:
        return bytes(self.size)


@dataclass(frozen=True, slots=True)
class FloatCodec:
    """A floating-point number of IEEE 754: single or double."""

    size: int
    order: Order

    @property
    def _form(self) -> str:
        return (">" if self.order == "big" else "<") + ("f" if self.size == 4 else "d")

    def decode(self, data: bytes) -> float:
        value: float = struct.unpack(self._form, data)[0]
        if not math.isfinite(value):
            raise Unreadable("is no finite number")
        return value

    def encode(self, value: Any) -> bytes:
        number = _double(value)
        try:
            return struct.pack(self._form, number)
        except OverflowError:
            raise Unfit(f"is out of the range of {self.size} bytes") from None

    def initial(self) -> bytes:
        return bytes(self.size)


@dataclass(frozen=True, slots=True)
class HexadecimalFloatCodec:
    """A floating-point number of the IBM mainframe: a power of 16 and a fraction of 24 or 56 bits.

    What is read is the nearest double, which a fraction of 24 bits always is and one of 56 bits may differ from in
    its last bits; a double in its range is written exactly into 8 bytes, and rounded into 4.
    """

    size: int
    order: Order = "big"

    def decode(self, data: bytes) -> float:
        whole = int.from_bytes(data, self.order)
        bits = self.size * 8 - 8
        fraction = whole & ((1 << bits) - 1)
        power = (whole >> bits & 0x7F) - 64
        value = float(Fraction(fraction, 1 << bits) * Fraction(16) ** power)
        return -value if whole >> (bits + 7) else value

    def encode(self, value: Any) -> bytes:
        number = _double(value)
        if number == 0:
            return bytes(self.size)
        bits = self.size * 8 - 8
        exact = abs(Fraction(number))
        power = 0
        while exact >= Fraction(16) ** power:
            power += 1
        while exact < Fraction(16) ** (power - 1):
            power -= 1
        fraction = round(exact / Fraction(16) ** power * (1 << bits))
        if fraction == 1 << bits:
            fraction, power = 1 << (bits - 4), power + 1
        if not -64 <= power <= 63:
            raise Unfit(f"is out of the range of {self.size} bytes")
        whole = (number < 0) << (bits + 7) | (power + 64) << bits | fraction
        return whole.to_bytes(self.size, self.order)

    def initial(self) -> bytes:
        return bytes(self.size)


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Unfit("must be a number")
    try:
        number = float(value)
    except OverflowError:
        raise Unfit("is out of range") from None
    if not math.isfinite(number):
        raise Unfit("must be a finite number")
    return number


@dataclass(frozen=True, slots=True)
class OpaqueCodec:
    """Bytes that mean nothing outside the program, such as a pointer; they are kept and not shown."""

    size: int

    def decode(self, data: bytes) -> None:  # noqa: ARG002 - nothing of it is shown
        return None

    def encode(self, value: Any) -> bytes:  # noqa: ARG002 - nothing fits
        raise Unfit("cannot be written")

    def initial(self) -> bytes:
        return bytes(self.size)
