"""Envelopes of SOAP 1.1 and 1.2: how a message is wrapped, and what is found in one."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from interlock.integration.connectors.soap.reading import AnswerUnfit
from interlock.values.secrets import Secret

NAMESPACES = {
    "1.1": "{http://schemas.xmlsoap.org/soap/envelope/}",
    "1.2": "{http://www.w3.org/2003/05/soap-envelope}",
}
_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
_SECURITY = f"{{{_OASIS}wssecurity-secext-1.0.xsd}}"
_UTILITY = f"{{{_OASIS}wssecurity-utility-1.0.xsd}}"
_PROFILE = f"{_OASIS}username-token-profile-1.0#"
_BINARY = f"{_OASIS}soap-message-security-1.0#Base64Binary"
_ADDRESSING = "{http://www.w3.org/2005/08/addressing}"


def wrapped(version: str, headers: Sequence[Element], body: Element | None) -> bytes:
    """Return the envelope of SOAP *version* with *headers* and *body*, in UTF-8."""
    soap = NAMESPACES[version]
    envelope = Element(f"{soap}Envelope")
    if headers:
        SubElement(envelope, f"{soap}Header").extend(headers)
    inner = SubElement(envelope, f"{soap}Body")
    if body is not None:
        inner.append(body)
    written: bytes = tostring(envelope, encoding="utf-8", xml_declaration=True)
    # A carriage return would be read as the end of a line; all that are here come from values.
    return written.replace(b"\r", b"&#13;")


def transport_headers(version: str, action: str) -> dict[str, str]:
    """Return the headers of HTTP that belong to a message with *action*."""
    if version == "1.2":
        more = f'; action="{action}"' if action else ""
        return {"Content-Type": f"application/soap+xml; charset=utf-8{more}", "Accept": "application/soap+xml"}
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"', "Accept": "text/xml"}


@dataclass(frozen=True, slots=True)
class PlainToken:
    """A name and a password in the message (OASIS Web Services Security, UsernameToken Profile 1.1)."""

    username: str

    def header(self, password: Secret, now: datetime) -> Element:  # noqa: ARG002 - as every token is asked
        security, token = _token(self.username)
        SubElement(token, f"{_SECURITY}Password", {"Type": f"{_PROFILE}PasswordText"}).text = password.reveal()
        return security


@dataclass(frozen=True, slots=True)
class DigestToken:
    """The same, with a digest in the place of the password, good for this message only."""

    username: str

    def header(self, password: Secret, now: datetime) -> Element:
        nonce, created = secrets.token_bytes(16), now.strftime("%Y-%m-%dT%H:%M:%SZ")
        # The profile knows no other algorithm.
        hashed = hashlib.sha1(nonce + created.encode() + password.reveal().encode(), usedforsecurity=False).digest()
        security, token = _token(self.username)
        digest = base64.b64encode(hashed).decode()
        SubElement(token, f"{_SECURITY}Password", {"Type": f"{_PROFILE}PasswordDigest"}).text = digest
        encoded = SubElement(token, f"{_SECURITY}Nonce", {"EncodingType": _BINARY})
        encoded.text = base64.b64encode(nonce).decode()
        SubElement(token, f"{_UTILITY}Created").text = created
        return security


Token = PlainToken | DigestToken


def _token(username: str) -> tuple[Element, Element]:
    security = Element(f"{_SECURITY}Security")
    token = SubElement(security, f"{_SECURITY}UsernameToken")
    SubElement(token, f"{_SECURITY}Username").text = username
    return security, token


def addressing(action: str, to: str) -> Iterator[Element]:
    """Yield the headers of WS-Addressing 1.0 for a message of its own."""
    for name, text in (("Action", action), ("MessageID", f"urn:uuid:{uuid.uuid4()}"), ("To", to)):
        element = Element(f"{_ADDRESSING}{name}")
        element.text = text
        yield element


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: its *codes* from the outermost inwards, and the names of the elements in its detail."""

    codes: tuple[str, ...]
    details: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that it can be told by, the most particular first."""
        return (*self.details, *reversed(self.codes))


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """What an envelope held: the first element of its body, if any, or a fault."""

    content: Element | None
    fault: Fault | None = None


def unwrapped(root: Element) -> Unwrapped:
    """Return what the envelope *root*, of either version, holds. Raises `AnswerUnfit`."""
    soap = next((one for one in NAMESPACES.values() if root.tag == f"{one}Envelope"), "")
    body = root.find(f"{soap}Body") if soap else None
    if body is None:
        raise AnswerUnfit("is no envelope of SOAP with a body")
    content = next(iter(body), None)
    if content is None or content.tag != f"{soap}Fault":
        return Unwrapped(content)
    return Unwrapped(content, _fault_2(content, soap) if soap == NAMESPACES["1.2"] else _fault_1(content))


def _fault_1(node: Element) -> Fault:
    code, detail = _local(node.findtext("faultcode")), node.find("detail")
    # `Client.Authentication` is a kind of `Client`; codes of an own namespace say nothing of that.
    parts = code.split(".")
    codes = tuple(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return Fault(codes, tuple(_tag(one) for one in (detail if detail is not None else ())))


def _fault_2(node: Element, soap: str) -> Fault:
    codes: list[str] = []
    place = node.find(f"{soap}Code")
    while place is not None and len(codes) < 8:
        codes.append(_local(place.findtext(f"{soap}Value")))
        place = place.find(f"{soap}Subcode")
    detail = node.find(f"{soap}Detail")
    return Fault(tuple(codes), tuple(_tag(one) for one in (detail if detail is not None else ())))


def _local(name: str | None) -> str:
    return (name or "").strip().rpartition(":")[2]


def _tag(node: Element) -> str:
    return node.tag.rpartition("}")[2]
