"""What of a body an operator sees."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.preview import HIDDEN, MAX_PREVIEW, body_preview

SECRET = "s3cr3t.Value-of/an+agent=="


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"to": "ops", "api_key": SECRET})),
        ("application/json; charset=utf-8", json.dumps({"to": "ops", "a": {"Password": SECRET}})),
        ("application/json", '{"to": "ops", "client_secret": "' + SECRET),
        ("application/json", '{"to": "ops", "token": "with \\" quote ' + SECRET + '"}'),
        ("application/json", '{"to": "ops", "header": "Bearer ' + SECRET + '"}'),
        ("application/vnd.api+json", json.dumps({"to": "ops", "session_id": SECRET})),
        ("application/x-www-form-urlencoded", f"to=ops&access_token={SECRET}&x=1"),
        ("text/plain", f"to=ops apikey={SECRET}"),
        ("text/plain", "to=ops " + "Ab1" * 10),
    ],
)
def test_what_may_be_a_secret_is_hidden(kind: str, body: str) -> None:
    """Fields named like secrets, and runs that look like keys; the rest can be read."""
    shown = body_preview(kind, body.encode())
    assert "ops" in shown
    assert HIDDEN in shown
    assert SECRET not in shown
    assert "Ab1Ab1" not in shown


@pytest.mark.parametrize(
    ("kind", "body", "shown"),
    [
        ("", b"", ""),
        ("text/plain", b"delete everything", "delete everything"),
        ("application/octet-stream", b"\x00", "application/octet-stream, not shown"),
        ("", b"x", "unnamed content, not shown"),
        ("text/plain", b"\xff\xfe\xff\xfe\xff", "text/plain that is not UTF-8, not shown"),
    ],
)
def test_what_is_no_text_is_named(kind: str, body: bytes, shown: str) -> None:
    """A picture's bytes help nobody."""
    assert body_preview(kind, body) == shown


def test_a_character_that_the_cut_splits_does_no_harm() -> None:
    """The beginning of a body may end anywhere."""
    assert body_preview("text/plain", "grüße".encode()[:3]).startswith("gr")


@given(st.binary(max_size=5000), st.sampled_from(["application/json", "text/plain", "x/y"]))
def test_a_preview_is_always_small(body: bytes, kind: str) -> None:
    """Whatever is sent."""
    assert len(body_preview(kind, body)) <= MAX_PREVIEW
