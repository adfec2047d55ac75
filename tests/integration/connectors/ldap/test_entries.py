"""Entries of a real directory are found, read and changed; what arguments hold is a value and nothing else."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interlock.integration.systems import Answer, Systems, SystemUnreachable
from interlock.values.labels import Integrity
from tests.integration.conftest import Workbench
from tests.integration.connectors.ldap.desk import read, system, write
from tests.integration.connectors.ldap.slapd import BASE, PASSWORD, Directory

ANN: dict[str, Any] = {
    "uid": "ann",
    "cn": "Ann Example",
    "sn": "Example",
    "mail": ["ann@acme.example", "a.example@acme.example"],
    "acmeBadge": 4711,
    "acmeRemote": True,
    "acmeJoined": "2026-03-02T10:00:00+01:00",
    "jpegPhoto": [base64.b64encode(b"\xff\xd8\x00photo").decode()],
}


async def done(desk: Systems, operation: str, **arguments: Any) -> Any:
    answer = await desk.call(f"directory.{operation}", arguments)
    assert answer.succeeded, answer.problem
    return answer.output


async def problem(desk: Systems, operation: str, **arguments: Any) -> dict[str, Any]:
    answer: Answer = await desk.call(f"directory.{operation}", arguments)
    assert answer.status == "failed", answer
    assert answer.problem is not None
    return answer.problem


async def people(desk: Systems, number: int) -> None:
    for one in range(number):
        await done(desk, "add", uid=f"p{one:02}", cn=f"Person {one:02}", sn="Many")


# --- reading ---------------------------------------------------------------------------------------------------------


async def test_an_entry_comes_back_typed_as_it_was_declared(desk: Systems) -> None:
    added = await done(desk, "add", **ANN, userPassword="a-secret-of-hers")
    assert added == {"dn": f"uid=ann,ou=people,{BASE}", "added": True}
    found = await done(desk, "get", uid="ann")
    assert found == {
        **ANN,
        "dn": f"uid=ann,ou=people,{BASE}",
        "acmeJoined": "2026-03-02T09:00:00Z",
        "description": None,
        "manager": None,
    }


async def test_no_password_leaves_unless_it_is_declared_twice(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    await done(desk, "add", **ANN, userPassword="a-secret-of-hers")
    assert "a-secret-of-hers" not in repr(await desk.call("directory.get", {"uid": "ann"}))
    assert "userPassword" in directory.find("(uid=ann)", "userPassword")
    revealed = read("search", filter="(uid={uid})", attributes={"userPassword": ["binary"]}, reveal=["userPassword"])
    shown = await bench.serve(system(directory.port, {"secrets": revealed}))
    (entry,) = (await done(shown, "secrets", uid="ann"))["entries"]
    assert entry["userPassword"]


async def test_what_is_not_there_is_not_found_and_what_is_sealed_neither(desk: Systems) -> None:
    assert (await problem(desk, "get", uid="nobody"))["code"] == "not_found"
    assert (await problem(desk, "get_dn", dn=f"ou=sealed,{BASE}"))["code"] == "not_found"


async def test_a_name_given_as_a_whole_stays_under_the_base(desk: Systems) -> None:
    await done(desk, "add", **ANN)
    found = await done(desk, "get_dn", dn=f"UID=Ann, OU=People,{BASE}")
    assert "inetOrgPerson" in found["objectClass"]
    for name in ("cn=config", "dc=example", f"cn=x,{BASE}x", f"ou=people,{BASE},dc=other", "", "ann", f"cn=\\,{BASE}"):
        answer = await desk.call("directory.get_dn", {"dn": name or " "})
        assert answer.problem is not None
        assert (answer.problem["code"], answer.sent) == ("argument_unfit", False), name


async def test_pages_are_put_together_and_a_limit_is_told(desk: Systems) -> None:
    await people(desk, 18)
    everybody = await done(desk, "find")
    assert [one["uid"] for one in everybody["entries"]] == [f"p{one:02}" for one in range(18)]
    assert (everybody["complete"], everybody["referrals"]) == (True, 0)
    first = await done(desk, "find", limit=8)
    assert (len(first["entries"]), first["complete"]) == (8, False)
    exactly = await done(desk, "find", limit=18)
    assert (len(exactly["entries"]), exactly["complete"]) == (18, True)
    assert [one["uid"] for one in (await done(desk, "find", name="son 07"))["entries"]] == ["p07"]
    assert (await done(desk, "find", name="son 07", mail="no@acme.example"))["entries"] == []


async def test_a_servers_own_limit_is_a_failure_and_never_a_short_list(desk: Systems) -> None:
    await people(desk, 25)
    told = await problem(desk, "unpaged")
    assert (told["code"], told["system"]) == ("limit_exceeded", {"code": "sizeLimitExceeded"})
    assert len((await done(desk, "unpaged", limit=5))["entries"]) == 5
    assert (await done(desk, "unpaged", limit=5))["complete"] is False
    assert len((await done(desk, "find"))["entries"]) == 25
    await people_more(desk)
    assert (await problem(desk, "exact", sn="Many"))["code"] == "limit_exceeded"


async def people_more(desk: Systems) -> None:
    for one in range(40):
        await done(desk, "add", uid=f"q{one:02}", cn=f"Person {one:02}", sn="Many")


async def test_what_other_servers_hold_is_told_and_not_asked(desk: Systems) -> None:
    found = await done(desk, "all")
    assert found["referrals"] == 1
    assert found["complete"] is False
    told = await problem(desk, "get_dn", dn=f"uid=x,ou=elsewhere,{BASE}")
    assert (told["code"], told["system"]) == ("referral", {"code": "referral"})


async def test_values_that_are_not_as_declared_are_no_result(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    await done(desk, "add", **ANN)
    kinds = {"mail": "string", "cn": "integer", "sn": "boolean", "uid": "time", "jpegPhoto": "string"}
    operations = {
        name.lower(): read("read", dn=f"uid=ann,ou=people,{BASE}", attributes={name: kind})
        for name, kind in kinds.items()
    }
    wrong = await bench.serve(system(directory.port, operations))
    for name in operations:
        assert (await problem(wrong, name))["code"] == "result_breaks_contract", name


async def test_compare_says_yes_or_no_or_that_there_is_nothing(desk: Systems) -> None:
    await done(desk, "add", **ANN)
    assert await done(desk, "has_badge", uid="ann", value=4711) == {"matches": True}
    assert await done(desk, "has_badge", uid="ann", value=4712) == {"matches": False}
    assert (await problem(desk, "has_badge", uid="bob", value=1))["code"] == "not_found"


# --- changing --------------------------------------------------------------------------------------------------------


async def test_values_are_replaced_and_taken_away_all_or_nothing(desk: Systems) -> None:
    await done(desk, "add", **ANN)
    await done(desk, "change", uid="ann", description="moved", acmeRemote=None, mail=["one@acme.example"])
    found = await done(desk, "get", uid="ann")
    assert (found["description"], found["acmeRemote"], found["mail"]) == ("moved", None, ["one@acme.example"])
    refused = await desk.call("directory.change", {"uid": "ann", "description": "no", "sn": None})
    assert refused.status == "failed"
    assert refused.problem is not None
    assert (refused.problem["code"], refused.problem["system"]) == ("refused", {"code": "objectClassViolation"})
    assert (await done(desk, "get", uid="ann"))["description"] == "moved"
    assert (await problem(desk, "change", uid="ann"))["code"] == "argument_unfit"
    assert (await problem(desk, "change", uid="ann", jpegPhoto=["!"]))["code"] == "argument_unfit"


async def test_a_change_holds_only_while_the_entry_is_as_it_was(desk: Systems) -> None:
    await done(desk, "add", **ANN, description="first")
    await done(desk, "change_if", uid="ann", old="first", description="second")
    told = await problem(desk, "change_if", uid="ann", old="first", description="third")
    assert (told["code"], told["status"]) == ("conflict", 122)
    assert (await done(desk, "get", uid="ann"))["description"] == "second"
    assert (await problem(desk, "change_if", uid="ann", old="*", description="x"))["code"] == "conflict"


async def test_an_entry_says_its_version_and_since_when_it_is_so(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    await done(desk, "add", **ANN)
    name, moment = f"uid={{uid}},ou=people,{BASE}", {"properties": {"since": {"type": "string", "format": "date-time"}}}
    operations = {
        "look": read("read", dn=name, attributes={"entryCSN": "string", "modifyTimestamp": "time"}),
        "change": write("modify", dn=name, attributes={"sn": "string"}, when="(entryCSN={version})"),
        "since": {**read("search", filter="(modifyTimestamp>={since})", attributes={"cn": "string"}), "input": moment},
    }
    versioned = await bench.serve(system(directory.port, operations))
    before = await done(versioned, "look", uid="ann")
    await done(versioned, "change", uid="ann", version=before["entryCSN"], sn="Second")
    told = await problem(versioned, "change", uid="ann", version=before["entryCSN"], sn="Third")
    assert told["code"] == "conflict"
    found = await done(versioned, "since", since=before["modifyTimestamp"])
    assert "Ann Example" in [one["cn"] for one in found["entries"]]
    assert (await done(versioned, "since", since="2100-01-01T00:00:00+02:00"))["entries"] == []


async def test_members_come_and_go(desk: Systems) -> None:
    ann, bob = f"uid=ann,ou=people,{BASE}", f"uid=bob,ou=people,{BASE}"
    await done(desk, "add_group", group="buyers", member=[ann])
    await done(desk, "join", group="buyers", member=bob)
    assert (await problem(desk, "join", group="buyers", member=bob))["code"] == "conflict"
    await done(desk, "join_again", group="buyers", member=bob)
    assert (await done(desk, "get_group", group="buyers"))["member"] == [ann, bob]
    assert await done(desk, "is_member", group="buyers", value=bob) == {"matches": True}
    await done(desk, "leave", group="buyers", member=bob)
    assert (await problem(desk, "leave", group="buyers", member=bob))["code"] == "conflict"
    assert (await problem(desk, "leave", group="buyers", member=ann))["code"] == "refused"
    assert (await problem(desk, "join", group="buyers", member="no name"))["code"] == "refused"


async def test_an_entry_is_renamed_moved_and_deleted(desk: Systems) -> None:
    await done(desk, "add", **ANN)
    assert await done(desk, "rename", uid="ann", new_uid="anna, o=x") == {
        "dn": f"uid=anna\\2c\\20o\\3dx,ou=people,{BASE}"
    }
    assert (await done(desk, "get", uid="anna, o=x"))["uid"] == "anna, o=x"
    await done(desk, "rename", uid="anna, o=x", new_uid="ann")
    moved = await done(desk, "shelve", uid="ann")
    assert moved == {"dn": f"uid=ann,ou=groups,{BASE}"}
    await done(desk, "add", **ANN)
    assert (await problem(desk, "shelve", uid="ann"))["code"] == "conflict"
    assert await done(desk, "delete", uid="ann") == {"dn": f"uid=ann,ou=people,{BASE}", "deleted": True}
    assert (await problem(desk, "delete", uid="ann"))["code"] == "not_found"
    assert (await done(desk, "delete_again", uid="ann"))["deleted"] is False


async def test_adding_again_is_settled_by_what_is_there(desk: Systems) -> None:
    assert (await done(desk, "add_again", **ANN))["added"] is True
    assert (await done(desk, "add_again", **ANN))["added"] is False
    told = await problem(desk, "add_again", **{**ANN, "sn": "Other"})
    assert (told["code"], told["system"]) == ("conflict", {"code": "entryAlreadyExists"})
    assert (await problem(desk, "add", **ANN))["code"] == "conflict"
    assert (await done(desk, "get", uid="ann"))["sn"] == "Example"


async def test_the_directorys_schema_and_rights_hold_and_its_words_stay_there(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    answer = await desk.call("directory.add", {**ANN, "manager": "hidden-in-a-name"})
    assert answer.problem is not None
    assert (answer.status, answer.problem["code"]) == ("failed", "refused")
    assert "hidden" not in repr(answer.problem)
    reader = await bench.serve(system(directory.port, auth={"dn": f"cn=reader,{BASE}", "password": "secret:directory"}))
    assert (await problem(reader, "add", **ANN))["code"] == "access_denied"
    assert (await done(reader, "find"))["entries"] == []
    operations = {"odd": read("search", filter="(noSuchAttribute={x})", attributes={"noSuchThing": "string"})}
    odd = await bench.serve(system(directory.port, operations))
    assert (await done(odd, "odd", x="y"))["entries"] == []
    assert directory.find("(uid=ann)", base=f"ou=people,{BASE}") == ""


async def test_what_a_filter_says_itself_is_understood(bench: Workbench, desk: Systems, directory: Directory) -> None:
    await done(desk, "add", **{**ANN, "cn": "Jürgen (Groß) *"})
    filters = {
        "(cn=Jürgen \\28Groß\\29 \\2a)": 1,
        "(cn=jürgen*gro*)": 1,
        "(cn:caseExactMatch:=jürgen \\28Groß\\29 \\2a)": 0,
        "(&(acmeBadge=4711)(|(uid=bob)(uid=ann))(!(sn=Other)))": 1,
        "(!(acmeRemote=TRUE))": 0,
        "(createTimestamp>=20260101000000Z)": 1,
        "(createTimestamp<=20260101000000Z)": 0,
        "(cn~=jürgen)": 1,
        "(ou:dn:=people)": 1,
        "(mail=*)": 1,
    }
    operations = {
        f"f{number}": read("search", base=f"ou=people,{BASE}", filter=f"(&(uid=*){text})", attributes={"uid": "string"})
        for number, text in enumerate(filters)
    }
    asked = await bench.serve(system(directory.port, operations))
    for number, (text, expected) in enumerate(filters.items()):
        assert len((await done(asked, f"f{number}"))["entries"]) == expected, text


async def test_an_attribute_that_names_the_entry_has_the_one_value_of_the_name(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    name, many = f"cn={{cn}}+sn={{family}},ou=people,{BASE}", {"cn": ["string"], "mail": ["string"]}
    operations = {
        "make": write("add", dn=name, classes=["inetOrgPerson"], attributes=many),
        "look": read("read", dn=name, attributes={**many, "sn": "string"}),
    }
    made = await bench.serve(system(directory.port, operations))
    await done(made, "make", cn="Ann, O.", family="Example", mail=["a@x.example"])
    found = await done(made, "look", cn="Ann, O.", family="Example")
    assert (found["cn"], found["sn"], found["mail"]) == (["Ann, O."], "Example", ["a@x.example"])


async def test_an_operation_on_what_the_schema_no_longer_has_is_told_as_gone(
    bench: Workbench, desk: Systems, directory: Directory
) -> None:
    assert await desk.drift("directory") == []
    operations = {
        "fine": read("search", filter="(&(anr={x})(commonName=*))", attributes={"modifyTimestamp": "time"}),
        "sought": read("search", filter="(noSuchThing={x})", attributes={"cn": "string"}),
        "shown": read("read", dn=f"cn={{x}},{BASE}", attributes={"noSuchThing": "string"}),
        "compared": read("compare", dn=f"cn={{x}},{BASE}", attribute="noSuchThing"),
        "made": write("add", dn=f"cn={{x}},{BASE}", classes=["noSuchClass"], attributes={"cn": "string"}),
    }
    changed = await bench.serve(system(directory.port, operations))
    assert {one.pointer for one in await changed.drift("directory")} == {"/sought", "/shown", "/compared", "/made"}
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = "wrong"
    gone = await bench.serve(system(directory.port, operations, auth=account(directory, "robot")))
    with pytest.raises(SystemUnreachable):
        await gone.drift("directory")


# --- what arguments hold ---------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(lambda one: one.strip())
NASTY = st.sampled_from(
    [
        "*",
        ")(uid=*",
        "a)(|(uid=*",
        "\\2a",
        "\\",
        "x,ou=groups",
        "+cn=x",
        "#04",
        ' "x" ',
        "a=b",
        "{uid}",
        "<>;",
        "(&)",
        " x",
    ]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS | NASTY)
async def test_any_text_is_a_value_and_nothing_else(desk: Systems, text: str) -> None:
    added = await desk.call("directory.add", {"uid": text, "cn": "x", "sn": text})
    if not added.succeeded:  # a text that the directory itself finds empty
        assert added.problem is not None
        assert added.problem["code"] in {"refused", "conflict"}
        return
    try:
        assert (await done(desk, "get", uid=text))["uid"] == text
        found = (await done(desk, "exact", sn=text))["entries"]
        assert [one["sn"] for one in found] == [text]
    finally:
        await done(desk, "delete", uid=text)
    assert (await done(desk, "exact", sn=text))["entries"] == []


async def test_a_filter_can_only_be_filled(desk: Systems) -> None:
    await people(desk, 3)
    for text in ("*", "Many)(uid=*", "Many*", "\\2a", "M\\61ny"):
        assert (await done(desk, "exact", sn=text))["entries"] == [], text
    assert len((await done(desk, "exact", sn="Many"))["entries"]) == 3
    assert (await done(desk, "find", name="*)(uid=*"))["entries"] == []


# --- who we are ------------------------------------------------------------------------------------------------------


async def test_what_comes_back_is_not_trusted_unless_it_is_said(bench: Workbench, directory: Directory) -> None:
    operation = bench.catalog(system(directory.port)).operations["directory.get"].operation
    assert operation.label.integrity is Integrity.untrusted


@pytest.mark.parametrize("url", ["ldap", "ldaps"])
async def test_tls_is_spoken_and_its_certificate_checked(bench: Workbench, directory: Directory, url: str) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    port = directory.port if url == "ldap" else directory.tls_port
    (bench.root / "ca.pem").write_bytes(directory.certificate.read_bytes())
    trusted = system(0, url=f"{url}://127.0.0.1:{port}", tls=None, ca="ca.pem")
    desk = await bench.serve(trusted)
    assert (await desk.probe("directory")).succeeded
    assert (await done(desk, "find"))["complete"] is True
    desk = await bench.serve(system(0, url=f"{url}://127.0.0.1:{port}", tls=None))
    answer = await desk.call("directory.find", {})
    assert answer.problem is not None
    assert (answer.problem["code"], answer.sent) == ("unreachable", False)
    assert "certificate" in answer.problem["detail"]
    desk = await bench.serve(system(0, url=f"{url}://localhost:{port}", tls=None, ca="ca.pem"))
    assert not (await desk.call("directory.find", {})).sent


def account(directory: Directory, name: str, *more: str) -> dict[str, str]:
    """Make somebody who can log in; return how the connection says who it is."""
    lines = [f"dn: cn={name},ou=people,{BASE}", "objectClass: organizationalRole", "objectClass: simpleSecurityObject"]
    directory.ldif("\n".join([*lines, f"cn: {name}", f"userPassword: {PASSWORD}", *more]))
    return {"dn": f"cn={name},ou=people,{BASE}", "password": "secret:directory"}


async def test_a_wrong_empty_or_missing_password_is_denied_and_a_new_one_counts_at_once(
    bench: Workbench, directory: Directory
) -> None:
    desk = await bench.serve(system(directory.port, auth=account(directory, "robot")))
    missing = await desk.call("directory.find", {})
    assert missing.problem is not None
    assert (missing.problem["code"], missing.sent) == ("secret_missing", False)
    for text, code in (("wrong", "access_denied"), (PASSWORD, ""), ("changed since", "access_denied"), (PASSWORD, "")):
        bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = text
        answer = await desk.call("directory.find", {})
        assert (answer.problem or {"code": ""})["code"] == code
        assert answer.sent is (not code)


async def test_a_locked_account_and_an_expired_password_say_so(bench: Workbench, directory: Directory) -> None:
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = "wrong"
    declared = system(directory.port, auth=account(directory, "locked"))
    desk = await bench.serve({**declared, "limits": {"failures": 1000}})
    told = await problem(desk, "find")
    assert (told["code"], "reason" in told) == ("access_denied", False)
    for _ in range(50):  # the server counts by the moment, so two that are as one may be counted once
        told = await problem(desk, "find")
        if "reason" in told:
            break
    assert (told["code"], told["reason"]) == ("access_denied", "account_locked")
    bench.secrets["INTERLOCK_SECRET_DIRECTORY"] = PASSWORD
    old = (f"pwdPolicySubentry: cn=strict,{BASE}", "pwdChangedTime: 20200101000000Z")
    desk = await bench.serve(system(directory.port, auth=account(directory, "expired", *old)))
    told = await problem(desk, "find")
    assert (told["code"], told["reason"]) == ("access_denied", "password_expired")
