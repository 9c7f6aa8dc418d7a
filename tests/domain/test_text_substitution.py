"""Secrets in bodies and text frames: each encoded for the place that it comes to stand in."""

import json
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.placeholders import Replacing
from proxy_core.domain.service import Surface
from proxy_core.domain.text_substitution import FrameText, TextKind, body_kind, body_placeholders

BOTH = frozenset({Surface.BODY, Surface.WEBSOCKET})


def one(value: bytes, *surfaces: Surface) -> list[SecretSubstitution]:
    """A placeholder `__k__` for it."""
    return [SecretSubstitution(b"__k__", value, frozenset(surfaces) or BOTH)]


def body(kind: TextKind, text: bytes, value: bytes) -> bytes:
    """The body with the value in it."""
    found = body_placeholders(one(value), kind)
    assert found is not None
    replacing = Replacing(found, 1 << 20)
    return replacing.feed(text) + replacing.finish()


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        (b"application/x-www-form-urlencoded", TextKind.FORM),
        (b"Application/X-WWW-Form-URLencoded; charset=utf-8", TextKind.FORM),
        (b"application/json", TextKind.JSON),
        (b"application/json;charset=UTF-8", TextKind.JSON),
        (b"application/vnd.api+json", TextKind.JSON),
        (b"text/json", TextKind.JSON),
        (b"application/x-ndjson", TextKind.JSON),
        (b"text/plain", TextKind.PLAIN),
        (b"application/xml", TextKind.PLAIN),
        (b"application/soap+xml", TextKind.PLAIN),
        (b"application/graphql", TextKind.PLAIN),
        (b"", TextKind.PLAIN),
        (b"multipart/form-data; boundary=x", None),
        (b"Multipart/mixed", None),
        (b"image/png", None),
        (b"application/octet-stream", None),
        (b"application/gzip", None),
        (b"application/x-zip", None),
        (b"application/grpc+proto", None),
        (b"application/grpc", None),
        (b"application/x-protobuf", None),
    ],
)
def test_what_a_body_is(content_type: bytes, kind: TextKind | None) -> None:
    """By its media type, whatever its case and parameters."""
    assert body_kind([content_type], []) is kind


def test_bodies_that_are_left_alone() -> None:
    """Compressed ones, and those that say two things about themselves; without a type it's text."""
    assert body_kind([b"application/json"], [b"gzip"]) is None
    assert body_kind([b"application/json"], [b"identity", b"br"]) is None
    assert body_kind([b"application/json"], [b"Identity"]) is TextKind.JSON
    assert body_kind([b"application/json", b"text/plain"], []) is None
    assert body_kind([], []) is TextKind.PLAIN


def test_each_kind_encodes_in_its_own_way() -> None:
    """The same secret in a form, in JSON and in other text."""
    value = 'a b&c="é\\'.encode()
    assert body(TextKind.FORM, b"k=__k__&x=1", value) == b"k=a%20b%26c%3D%22%C3%A9%5C&x=1"
    assert body(TextKind.JSON, b'{"k":"__k__"}', value) == '{"k":"a b&c=\\"é\\\\"}'.encode()
    assert body(TextKind.PLAIN, b"<k>__k__</k>", value) == b"<k>" + value + b"</k>"


@given(st.text(max_size=20))
def test_a_value_stays_within_its_json_string(value: str) -> None:
    """Whatever the secret, the document reads as it was written, with the value in its place."""
    sent = body(TextKind.JSON, b'{"a":"x__k__y","b":["__k__"]}', value.encode())
    assert json.loads(sent) == {"a": f"x{value}y", "b": [value]}
    assert not set(sent) & set(range(0x20))


@given(st.binary(max_size=20))
def test_a_value_stays_within_its_form_field(value: bytes) -> None:
    """Whatever the secret: the same fields, and it decodes to itself."""
    sent = body(TextKind.FORM, b"a=x__k__&b=1", value).decode("ascii")
    assert parse_qsl(sent, encoding="latin-1") == [("a", "x" + value.decode("latin-1")), ("b", "1")]


@pytest.mark.parametrize("value", [b"a\r\nb", b"a\nb", b"a\x00b"])
def test_line_breaks_where_they_can_stand(value: bytes) -> None:
    """Escaped in JSON and forms they are harmless; in other text they would be a line."""
    assert json.loads(body(TextKind.JSON, b'"__k__"', value)) == value.decode()
    assert unquote_to_bytes(body(TextKind.FORM, b"__k__", value)) == value
    with pytest.raises(VaultError) as caught:
        body(TextKind.PLAIN, b"__k__", value)
    assert caught.value.code == "substitution_invalid"
    assert body(TextKind.PLAIN, b"no placeholder", value) == b"no placeholder"


def test_a_value_that_is_no_text_has_no_json() -> None:
    """It is refused without being quoted, nor carried by the error's cause."""
    with pytest.raises(VaultError) as caught:
        body(TextKind.JSON, b'"__k__"', b"\xff\xfe")
    assert caught.value.code == "substitution_invalid"
    assert caught.value.__context__ is None


def test_other_surfaces_are_left_alone() -> None:
    """A placeholder for the query is none in a body or a frame, and the other way round."""
    assert body_placeholders(one(b"v", Surface.WEBSOCKET), TextKind.JSON) is None
    assert not FrameText(one(b"v", Surface.BODY))
    assert FrameText(one(b"v", Surface.WEBSOCKET))


def test_frames_take_the_value_as_json_where_they_are() -> None:
    """What begins as an object or array is escaped; other text takes the value as it is."""
    frames = FrameText(one(b'a"b'))
    assert frames.replace(b' {"t":"__k__"}', 100) == b' {"t":"a\\"b"}'
    assert frames.replace(b'["__k__"]', 100) == b'["a\\"b"]'
    assert frames.replace(b"AUTH __k__", 100) == b'AUTH a"b'


def test_a_frame_without_placeholder_is_the_same_object() -> None:
    """So that it goes on as it came."""
    text = b'{"t":"none"}'
    assert FrameText(one(b"v")).replace(text, 100) is text


@pytest.mark.parametrize(
    ("value", "text", "code"),
    [
        (b"a\nb", b"AUTH __k__", "substitution_invalid"),
        (b"\xff", b"AUTH __k__", "substitution_invalid"),
        (b"\xff", b"[__k__]", "substitution_invalid"),
        (b"v" * 100, b"__k__", "request_too_large"),
    ],
)
def test_values_that_can_not_stand_in_a_frame(value: bytes, text: bytes, code: str) -> None:
    """A line break outside JSON, bytes that are no UTF-8, more than there is room for."""
    with pytest.raises(VaultError) as caught:
        FrameText(one(value)).replace(text, 99)
    assert caught.value.code == code
