"""A WSDL written by hand, with what the ledger's has not: rpc style, choices, groups, recursion, wildcards, imports."""

from __future__ import annotations

from pathlib import Path

NS = "urn:catalogue"
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="urn:catalogue" xmlns:p="urn:parts"
    targetNamespace="urn:catalogue" elementFormDefault="qualified">
  <xs:import namespace="urn:parts" schemaLocation="schemas/parts.xsd"/>
  <xs:element name="Order"><xs:complexType><xs:sequence>
    <xs:element name="number"><xs:annotation><xs:documentation>The order's
        own number.</xs:documentation></xs:annotation>
      <xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2}\\d{3}"/></xs:restriction>
      </xs:simpleType></xs:element>
    <xs:choice>
      <xs:element name="card" type="xs:token"/>
      <xs:element name="invoice" type="c:Invoice"/>
      <xs:sequence><xs:element name="bank" type="xs:string"/><xs:element name="account" type="xs:string"/></xs:sequence>
    </xs:choice>
    <xs:choice minOccurs="0"><xs:element name="mail" type="xs:string"/><xs:element name="phone" type="xs:string"/>
    </xs:choice>
    <xs:element name="part" type="p:Part" minOccurs="0" maxOccurs="3"/>
    <xs:element name="amount" type="c:Amount" nillable="true"/>
    <xs:element name="sizes" minOccurs="0"><xs:simpleType><xs:list itemType="xs:int"/></xs:simpleType></xs:element>
    <xs:element name="words" type="xs:NMTOKENS" minOccurs="0"/>
    <xs:element name="either" minOccurs="0"><xs:simpleType><xs:union memberTypes="xs:int xs:date"/></xs:simpleType>
    </xs:element>
    <xs:group ref="c:Terms"/>
    <xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:element name="text" type="xs:string"/>
      <xs:element name="pause" type="xs:duration"/>
    </xs:choice>
  </xs:sequence>
  <xs:attribute name="level" use="required"><xs:simpleType><xs:restriction base="xs:short">
    <xs:minInclusive value="1"/><xs:maxExclusive value="6"/></xs:restriction></xs:simpleType></xs:attribute>
  <xs:attribute name="when" type="xs:time"/>
  </xs:complexType></xs:element>
  <xs:group name="Terms"><xs:sequence><xs:element name="days" type="xs:unsignedByte" minOccurs="0"/>
    <xs:element name="rate" type="xs:double"/></xs:sequence></xs:group>
  <xs:complexType name="Invoice"><xs:all><xs:element name="to" type="xs:string"/>
    <xs:element name="urgent" type="xs:boolean" minOccurs="0"/></xs:all></xs:complexType>
  <xs:simpleType name="Currency"><xs:restriction base="xs:string"><xs:enumeration value="EUR"/>
    <xs:enumeration value="SEK"/></xs:restriction></xs:simpleType>
  <xs:complexType name="Amount"><xs:simpleContent><xs:extension base="xs:decimal">
    <xs:attribute name="currency" type="c:Currency" use="required"/></xs:extension></xs:simpleContent></xs:complexType>
  <xs:element name="OrderResponse"><xs:complexType><xs:sequence>
    <xs:element name="id" type="xs:long"/><xs:any processContents="lax" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Tree" type="c:Node"/>
  <xs:complexType name="Node"><xs:sequence><xs:element name="name" type="xs:string"/>
    <xs:element name="child" type="c:Node" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType>
  <xs:element name="Ping" type="xs:string"/>
  <xs:complexType name="Shape" abstract="true"><xs:sequence/></xs:complexType>
  <xs:element name="Draw"><xs:complexType><xs:sequence><xs:element name="shape" type="c:Shape"/></xs:sequence>
  </xs:complexType></xs:element>
  <xs:element name="Paint"><xs:complexType><xs:sequence>
    <xs:element name="figure" type="c:Figure" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
  <xs:complexType name="Figure" abstract="true"><xs:sequence><xs:element name="name" type="xs:string"/></xs:sequence>
    <xs:attribute name="type" type="xs:string"/></xs:complexType>
  <xs:complexType name="Round" abstract="true"><xs:complexContent><xs:extension base="c:Figure"/></xs:complexContent>
  </xs:complexType>
  <xs:complexType name="Circle"><xs:complexContent><xs:extension base="c:Round"><xs:sequence>
    <xs:element name="radius" type="xs:double"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:complexType name="Frame"><xs:complexContent><xs:extension base="c:Figure"><xs:sequence>
    <xs:element name="inner" type="c:Figure" minOccurs="0"/></xs:sequence></xs:extension></xs:complexContent>
  </xs:complexType>
  <xs:element name="Rounds"><xs:complexType><xs:sequence maxOccurs="unbounded">
    <xs:element name="key" type="xs:string"/><xs:element name="note" type="xs:string" minOccurs="0"/>
    <xs:element name="tag" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Credential"><xs:complexType><xs:sequence><xs:element name="key" type="xs:string"/></xs:sequence>
  </xs:complexType></xs:element>
</xs:schema>"""
PARTS = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:parts" targetNamespace="urn:parts">
  <xs:include schemaLocation="colours.xsd"/>
  <xs:complexType name="Thing"><xs:sequence><xs:element name="sku" type="xs:string"/></xs:sequence>
    <xs:attribute name="weight" type="xs:decimal"/></xs:complexType>
  <xs:complexType name="Part"><xs:complexContent><xs:extension base="Thing"><xs:sequence>
    <xs:element name="colour" type="Colour" minOccurs="0"/>
    <xs:element name="picture" type="xs:base64Binary" minOccurs="0"/></xs:sequence>
  </xs:extension></xs:complexContent></xs:complexType>
</xs:schema>"""
COLOURS = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:parts">
  <xs:simpleType name="Colour"><xs:restriction base="xs:string"><xs:enumeration value="red"/>
    <xs:enumeration value="blue"/></xs:restriction></xs:simpleType>
</xs:schema>"""
_MESSAGES = {
    "Order": "OrderResponse",
    "Tree": "Tree",
    "Ping": "Ping",
    "Draw": "Ping",
    "Rounds": "Rounds",
    "Paint": "Paint",
    "Tell": "",
}
RPC = (
    '<wsdl:message name="AddIn"><wsdl:part name="a" type="xs:int"/><wsdl:part name="node" type="c:Node"/>'
    "</wsdl:message>"
    '<wsdl:message name="AddOut"><wsdl:part name="sum" type="xs:int"/></wsdl:message>'
    '<wsdl:portType name="Sums"><wsdl:operation name="Add"><wsdl:documentation>Adds.</wsdl:documentation>'
    '<wsdl:input message="c:AddIn"/><wsdl:output message="c:AddOut"/></wsdl:operation></wsdl:portType>'
)


def wsdl(*, use: str = "literal", twice: bool = False) -> str:
    """Return the WSDL, with *use* for its rpc port, and one operation *twice*."""
    messages = "".join(
        f'<wsdl:message name="{name}{way}"><wsdl:part name="body" element="c:{element}"/></wsdl:message>'
        for name, back in _MESSAGES.items()
        for way, element in (("In", name if name != "Tell" else "Ping"), ("Out", back))
        if element
    )
    abstract = "".join(
        f'<wsdl:operation name="{name}"><wsdl:input message="c:{name}In"/>'
        + (f'<wsdl:output message="c:{name}Out"/>' if back else "")
        + "</wsdl:operation>"
        for name, back in _MESSAGES.items()
    )
    return f"""<?xml version="1.0"?>
<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:c="{NS}" targetNamespace="{NS}"
    xmlns:http="http://schemas.xmlsoap.org/wsdl/http/" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<wsdl:types>{SCHEMA}</wsdl:types>{messages}{RPC}
<wsdl:portType name="Catalogue">{abstract}</wsdl:portType>
{_binding("Catalogue11", "soap", _MESSAGES)}{_binding("Catalogue12", "soap12", _MESSAGES)}
<wsdl:binding name="SumsRpc" type="c:Sums"><soap:binding style="rpc" transport="http://schemas.xmlsoap.org/soap/http"/>
{_rpc(use) * (2 if twice else 1)}</wsdl:binding>
<wsdl:binding name="Plain" type="c:Sums"><http:binding verb="GET"/></wsdl:binding>
<wsdl:service name="Shop">
<wsdl:port name="Old" binding="c:Catalogue11"><soap:address location="http://127.0.0.1:1/old"/></wsdl:port>
<wsdl:port name="New" binding="c:Catalogue12"><soap12:address location="http://127.0.0.1:1/new"/></wsdl:port>
<wsdl:port name="Sums" binding="c:SumsRpc"><soap:address location="http://127.0.0.1:1/sums"/></wsdl:port>
<wsdl:port name="Get" binding="c:Plain"><http:address location="http://127.0.0.1:1/get"/></wsdl:port>
</wsdl:service></wsdl:definitions>"""


def _binding(name: str, soap: str, operations: dict[str, str]) -> str:
    inner = "".join(
        f'<wsdl:operation name="{one}"><{soap}:operation soapAction="urn:{one}"/>'
        f'<wsdl:input><{soap}:body use="literal"/></wsdl:input>'
        + (f'<wsdl:output><{soap}:body use="literal"/></wsdl:output>' if back else "")
        + "</wsdl:operation>"
        for one, back in operations.items()
    )
    over = f'<{soap}:binding transport="http://schemas.xmlsoap.org/soap/http"/>'
    return f'<wsdl:binding name="{name}" type="c:Catalogue">{over}{inner}</wsdl:binding>'


def _rpc(use: str) -> str:
    body = f'<soap:body use="{use}" namespace="urn:sums"/>'
    return (
        f'<wsdl:operation name="Add"><soap:operation soapAction="urn:Add"/><wsdl:input>{body}</wsdl:input>'
        f"<wsdl:output>{body}</wsdl:output></wsdl:operation>"
    )


def files(root: Path, text: str = "") -> None:
    """Write the WSDL and its schemas into *root*."""
    (root / "schemas").mkdir(exist_ok=True)
    (root / "service.wsdl").write_text(text or wsdl(), "utf-8")
    (root / "schemas" / "parts.xsd").write_text(PARTS, "utf-8")
    (root / "schemas" / "colours.xsd").write_text(COLOURS, "utf-8")
