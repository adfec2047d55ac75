"""What is Bedrock's alone: signatures, and frames that are damaged."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interlock.intelligence.gateway import ModelUnreadable
from interlock.intelligence.providers.bedrock.frames import FrameReader
from interlock.intelligence.providers.bedrock.signing import Signer
from tests.intelligence.providers.frames import frame

MOMENT = 1440938160.0  # 2015-08-30T12:36:00Z, of the published test suite
SIGNER = Signer("us-east-1", "service", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


def test_a_signature_is_that_of_the_published_test_suite() -> None:
    headers = SIGNER.headers("GET", "https://example.amazonaws.com/", {}, b"", MOMENT)
    assert headers["x-amz-date"] == "20150830T123600Z"
    assert headers["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


def test_body_headers_token_and_path_are_signed() -> None:
    def signature(
        signer: Signer = SIGNER, url: str = "https://a.example/model/m%3A0/converse", body: bytes = b"x"
    ) -> str:
        return signer.headers("POST", url, {"Content-Type": "application/json"}, body, MOMENT)["Authorization"]

    temporary = Signer("us-east-1", "service", "AKIDEXAMPLE", "secret", "token")
    found = {
        signature(),
        signature(body=b"y"),
        signature(url="https://a.example/model/m%3A1/converse"),
        signature(temporary),
    }
    assert len(found) == 4
    assert "x-amz-security-token" in signature(temporary)
    assert "token" not in repr(temporary)


EVENT = {"type": "contentBlockDelta", "payload": {"delta": {"text": "Grüß dich"}}}


@given(st.lists(st.integers(0, 400), max_size=6))
def test_frames_are_the_same_wherever_they_are_cut(cuts: list[int]) -> None:
    raw = frame(EVENT) * 3
    places = sorted({0, *(cut for cut in cuts if cut < len(raw)), len(raw)})
    reader = FrameReader()
    events = [event for at, end in itertools.pairwise(places) for event in reader.feed(raw[at:end])]
    assert [event.name for event in events] == ["contentBlockDelta"] * 3
    assert reader.rest == b""


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_frame_with_one_wrong_byte_is_refused(at: int, change: int) -> None:
    raw = bytearray(frame(EVENT))
    raw[at % len(raw)] ^= change
    with pytest.raises(ModelUnreadable):
        FrameReader().feed(bytes(raw))
