"""Descriptor sets that strangers made: refused, or read as they are meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.foundation.documents import parse_document
from interlock.integration.connectors.grpc import plugin
from interlock.integration.connectors.grpc.descriptors import Descriptors, DescriptorsInvalid, descriptors_of
from interlock.integration.connectors.grpc.schemas import Sent, schema_of
from interlock.integration.contracts import Definition
from interlock.integration.systems import Description
from interlock.integration.systems.declarations import declare
from tests.integration.connectors.grpc.shop import files, shop


def described(root: Path, content: dict[str, Any]) -> Description:
    return plugin.describe(declare(parse_document(orjson.dumps(content), "system", environment={})), root)


@pytest.fixture
def definitions(tmp_path: Path) -> dict[str, Definition]:
    files(tmp_path)
    found = described(tmp_path, shop(1))
    assert not found.troubles
    return dict(found.definitions)


def test_types_of_the_library_are_not_taken_from_a_stranger(tmp_path: Path) -> None:
    own = files(tmp_path)
    found = FileDescriptorSet.FromString(own.content)
    forged = found.file.add(name="google/protobuf/timestamp.proto", package="google.protobuf", syntax="proto3")
    forged.message_type.add(name="Timestamp").field.add(name="text", number=1, type=9, label=1)
    again = descriptors_of(found.SerializeToString())
    assert set(again.pool.FindMessageTypeByName("google.protobuf.Timestamp").fields_by_name) == {"seconds", "nanos"}
    assert again.content == own.content
    file = FileDescriptorProto(name="forged.proto", package="google", syntax="proto3")
    file.message_type.add(name="protobuf").nested_type.add(name="Timestamp")
    with pytest.raises(DescriptorsInvalid, match="cannot be used"):
        Descriptors([file])


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ([("a.proto", ["b.proto"]), ("b.proto", ["a.proto"])], "import itself"),
        ([("a.proto", ["a.proto"])], "import itself"),
        ([(f"{number}.proto", []) for number in range(2001)], "more than 2000 files"),
    ],
)
def test_files_that_import_each_other_are_refused(named: list[tuple[str, list[str]]], says: str) -> None:
    made = FileDescriptorSet(file=[FileDescriptorProto(name=name, dependency=needs) for name, needs in named])
    with pytest.raises(DescriptorsInvalid, match=says):
        descriptors_of(made.SerializeToString())


def test_files_may_come_in_any_order_and_import_far(tmp_path: Path) -> None:
    chain = [
        FileDescriptorProto(name=f"{number}.proto", dependency=[f"{number + 1}.proto"] if number < 1500 else [])
        for number in range(1501)
    ]
    assert len(FileDescriptorSet.FromString(Descriptors(chain).content).file) == 1501


def test_two_members_of_one_name_in_json_are_refused(tmp_path: Path) -> None:
    file = FileDescriptorProto(name="a.proto", package="made", syntax="proto2")
    message = file.message_type.add(name="Two")
    for number, name in enumerate(("a_b", "aB"), 1):
        message.field.add(name=name, number=number, type=9, label=1, json_name="aB")
    with pytest.raises(DescriptorsInvalid):
        schema_of(Descriptors([file]).pool.FindMessageTypeByName("made.Two"), Sent(), {})


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_descriptors_or_refused(content: bytes) -> None:
    try:
        found = descriptors_of(content)
    except DescriptorsInvalid:
        return
    assert found.services() is not None
