"""A WSDL and what it imports, from files of the project and nowhere else."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from interlock.integration.connectors.soap.annotations import Annotations

if TYPE_CHECKING:
    from zeep.wsdl import Document

LARGEST = 16 << 20
MOST_DOCUMENTS = 200
_XML_NAMESPACE = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/XML/1998/namespace">
  <xs:attribute name="lang" type="xs:string"/><xs:attribute name="space" type="xs:NCName"/>
  <xs:attribute name="base" type="xs:anyURI"/><xs:attribute name="id" type="xs:ID"/>
  <xs:attributeGroup name="specialAttrs"><xs:attribute ref="xml:lang"/><xs:attribute ref="xml:space"/>
  <xs:attribute ref="xml:base"/></xs:attributeGroup></xs:schema>"""
_ENCODING = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://schemas.xmlsoap.org/soap/encoding/">
  <xs:complexType name="Array"><xs:sequence><xs:any minOccurs="0" maxOccurs="unbounded"/></xs:sequence>
  <xs:anyAttribute/></xs:complexType><xs:attribute name="arrayType" type="xs:string"/></xs:schema>"""
KNOWN = {
    "https://www.w3.org/2001/xml.xsd": _XML_NAMESPACE,
    "http://www.w3.org/2001/xml.xsd": _XML_NAMESPACE,
    "http://www.w3.org/2001/03/xml.xsd": _XML_NAMESPACE,
    "http://schemas.xmlsoap.org/soap/encoding/": _ENCODING,
}
"""Schemas that many others name and nobody keeps beside them: as much of each as can be used."""


class WsdlInvalid(ValueError):
    """A WSDL or a schema cannot be used; the text says why."""


class ImportMissing(WsdlInvalid):
    """A document names another, at *location*, that is no file of the project."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"imports {location[:300]!r}, which is no file of the project; nothing is fetched: save it beside the "
            "WSDL, and name the file under `imports`"
        )
        self.location = location


@dataclass(slots=True)
class Shelf:
    """Where zeep gets documents from: files within *root*, and what *imports* gives for other locations.

    It takes the place of zeep's own transport, and opens no connection.
    """

    root: Path
    imports: Mapping[str, bytes] = field(default_factory=dict)
    annotations: Annotations = field(default_factory=Annotations)
    read: dict[Path, bytes] = field(default_factory=dict)
    _loaded: int = 0

    def load(self, location: str) -> bytes:
        """Return the document at *location*, made ready for zeep. Raises `WsdlInvalid`."""
        from lxml import etree

        self._loaded += 1
        if self._loaded > MOST_DOCUMENTS:
            raise WsdlInvalid(f"imports more than {MOST_DOCUMENTS} documents")
        root = _parsed(self._content(str(location)))
        self.annotations.gather(root)
        content: bytes = etree.tostring(root)
        return content

    def _content(self, location: str) -> bytes:
        if location in self.imports:
            return self.imports[location]
        if location in KNOWN:
            return KNOWN[location]
        parts = urlsplit(location)
        if parts.scheme not in {"", "file"} or (parts.netloc and parts.netloc != "localhost"):
            raise ImportMissing(location)
        file = Path(unquote(parts.path) if parts.scheme else location).resolve()
        if not file.is_relative_to(self.root) or not file.is_file():
            shown = os.path.relpath(location, self.root) if not parts.scheme else location
            raise ImportMissing(shown)
        self.read[file] = read(file)
        return self.read[file]


@dataclass(frozen=True, slots=True)
class Wsdl:
    """A loaded WSDL: zeep's *document*, what zeep does not keep of it, and the files it was *read* from."""

    document: Document
    annotations: Annotations
    read: Mapping[Path, bytes] = field(repr=False)


def read(file: Path) -> bytes:
    """Return what *file* holds. Raises `WsdlInvalid`."""
    try:
        if file.stat().st_size > LARGEST:
            raise WsdlInvalid(f"is larger than {LARGEST >> 20} MiB")
        return file.read_bytes()
    except OSError as error:
        raise WsdlInvalid(f"cannot be read: {error.strerror}") from error


def load_wsdl(root: Path, name: str, imports: Mapping[str, str] | None = None) -> Wsdl:
    """Return the WSDL in the file *name* of the project in *root*. *imports* are files by the locations that documents
    name them by: URLs, or paths relative to the WSDL. Raises `WsdlInvalid`.
    """
    root = root.resolve()
    file = local(root, name)
    given = {}
    for location, path in (imports or {}).items():
        given[absolute(file, location)] = read(local(root, path))
    if not file.is_file():
        raise WsdlInvalid("cannot be read: there is no such file")
    return wsdl_of(Shelf(root, given), file)


def local(root: Path, name: str) -> Path:
    """Return the file *name* of the project in *root*. Raises `WsdlInvalid` if it lies outside."""
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()):
        raise WsdlInvalid("must be a file of the project, given relative to it")
    return file


def absolute(file: Path, location: str) -> str:
    """Return *location* as zeep asks for it when the document in *file* names it."""
    return location if "://" in location else os.path.realpath(file.parent / location)


def wsdl_of(shelf: Shelf, file: Path) -> Wsdl:
    """Return the WSDL that *shelf* gives for *file*. Raises `WsdlInvalid`."""
    from zeep.exceptions import Error
    from zeep.settings import Settings
    from zeep.wsdl import Document

    strict = Settings(forbid_dtd=True, forbid_entities=True, force_https=False)
    try:
        with warnings.catch_warnings():
            # zeep warns of messages that it cannot use; their operations are then missing, which is said by name.
            warnings.simplefilter("ignore")
            document = Document(str(file), shelf, settings=strict)
    except WsdlInvalid:
        raise
    except RecursionError as error:
        raise WsdlInvalid("is nested too deeply, or made of itself") from error
    except (Error, *CONFUSED) as error:
        raise WsdlInvalid(f"is no WSDL that can be used: {first_line(error)}") from error
    return Wsdl(document, shelf.annotations, shelf.read)


CONFUSED = (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, RuntimeError)
"""What zeep raises, beside its own errors, for documents that are not what it takes them for."""


def _parsed(content: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise WsdlInvalid(f"is no XML: {first_line(error)}") from error
    if root.getroottree().docinfo.doctype:
        raise WsdlInvalid("declares a document type (DTD), which is not allowed")
    return root


def first_line(error: BaseException) -> str:
    """Return the first line of what *error* says, and not too much of it."""
    text = str(getattr(error, "message", "") or error)
    return (text.splitlines() or [type(error).__name__])[0][:300] or type(error).__name__
