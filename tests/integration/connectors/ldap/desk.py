"""The declaration that the tests of the `ldap` connector work on."""

from __future__ import annotations

from typing import Any

from tests.integration.connectors.ldap.slapd import BASE

SERVICE = f"cn=service,{BASE}"
PERSON = f"uid={{uid}},ou=people,{BASE}"
GROUP = f"cn={{group}},ou=groups,{BASE}"
SHOWN: dict[str, Any] = {
    "uid": "string",
    "cn": "string",
    "sn": "string",
    "mail": ["string"],
    "description": "string",
    "manager": "dn",
    "jpegPhoto": ["binary"],
    "acmeBadge": "integer",
    "acmeRemote": "boolean",
    "acmeJoined": "time",
}
MADE = {name: kind for name, kind in SHOWN.items() if name != "uid"}
STAFF = ["inetOrgPerson", "acmeStaff"]


def read(verb: str, **options: Any) -> dict[str, Any]:
    return {"from": verb, "effect": "read", "options": options}


def write(verb: str, *, idempotent: bool = False, **options: Any) -> dict[str, Any]:
    return {"from": verb, "effect": "write", "options": options, **({"idempotent": True} if idempotent else {})}


OPERATIONS: dict[str, Any] = {
    "find": read(
        "search",
        base=f"ou=people,{BASE}",
        scope="one",
        filter="(&(objectClass=inetOrgPerson)(cn=*{name}*)(mail={mail}))",
        optional=["name", "mail"],
        attributes={"uid": "string", "cn": "string", "mail": ["string"]},
        most=50,
        page=7,
    ),
    "exact": read("search", base=f"ou=people,{BASE}", filter="(sn={sn})", attributes={"sn": "string"}),
    "all": read("search", filter="(objectClass=*)", attributes={"ou": "string"}),
    "unpaged": read("search", base=f"ou=people,{BASE}", filter="(uid=*)", attributes={"uid": "string"}, page=0),
    "get": read("read", dn=PERSON, attributes=SHOWN),
    "get_dn": read("read", dn="{dn}", attributes={"objectClass": ["string"]}),
    "get_group": read("read", dn=GROUP, attributes={"cn": "string", "member": ["dn"]}),
    "is_member": read("compare", dn=GROUP, attribute="member", type="dn"),
    "has_badge": read("compare", dn=PERSON, attribute="acmeBadge", type="integer"),
    "add": write("add", dn=PERSON, classes=STAFF, attributes={**MADE, "userPassword": "string"}, required=["cn", "sn"]),
    "add_again": write("add", dn=PERSON, classes=STAFF, attributes=MADE, required=["cn", "sn"], idempotent=True),
    "add_group": write("add", dn=GROUP, classes=["groupOfNames"], attributes={"member": ["dn"]}, required=["member"]),
    "change": write("modify", dn=PERSON, attributes=MADE, idempotent=True),
    "change_if": write("modify", dn=PERSON, attributes=MADE, when="(description={old})"),
    "join": write("modify add", dn=GROUP, attributes={"member": "dn"}, required=["member"]),
    "join_again": write("modify add", dn=GROUP, attributes={"member": "dn"}, required=["member"], idempotent=True),
    "leave": write("modify delete", dn=GROUP, attributes={"member": "dn"}, required=["member"]),
    "rename": write("rename", dn=PERSON, to="uid={new_uid}"),
    "shelve": write("rename", dn=PERSON, to="uid={uid}", under=f"ou=groups,{BASE}", keep_old=True),
    "delete": write("delete", dn=PERSON),
    "delete_again": write("delete", dn=PERSON, idempotent=True),
}


def system(port: int, /, operations: dict[str, Any] | None = None, **connection: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "url": f"ldap://127.0.0.1:{port}",
        "tls": False,
        "auth": {"dn": SERVICE, "password": "secret:directory"},
        "base": BASE,
    }
    given = {name: one for name, one in (made | connection).items() if one is not None}
    return {"system": "directory", "connector": "ldap", "connection": given, "operations": operations or OPERATIONS}
