"""What requests and responses tell that counts for the choice of an account."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.providers import provider
from proxy_core.domain.accounts.requests import conversation_of, read_body
from proxy_core.domain.accounts.responses import error_event, is_overload

UUID = "0b6ae2f0-6f4e-4d0f-a6a5-1f1e1f2d3c4b"


@pytest.mark.parametrize(
    ("body", "model", "conversation"),
    [
        ({"model": "claude-opus-4-1"}, "claude-opus-4-1", ""),
        ({"model": "m", "metadata": {"user_id": f"user_1_account_2_session_{UUID}"}}, "m", UUID),
        ({"metadata": {"user_id": json.dumps({"session_id": UUID, "x": 1})}}, "", UUID),
        ({"metadata": {"user_id": "somebody"}}, "", ""),
        ({"metadata": {"user_id": "{broken"}}, "", ""),
        ({"model": 5, "metadata": []}, "", ""),
        ({"model": "m", "metadata": None}, "m", ""),
        ([], "", ""),
    ],
)
def test_bodies(body: object, model: str, conversation: str) -> None:
    """Model and session of a message; whatever is otherwise counts as not said."""
    assert read_body(json.dumps(body).encode()) == (model, conversation)


@given(st.binary(max_size=200))
def test_any_body_is_read_without_failing(body: bytes) -> None:
    """It is the provider's to refuse it."""
    read_body(body)
    read_body(b'{"model":' + body + b"}")


def test_deep_bodies() -> None:
    """Nesting beyond what anybody reads says nothing."""
    assert read_body(b'{"x":' + b"[" * 100_000) == ("", "")


@pytest.mark.parametrize(
    ("headers", "in_body", "conversation"),
    [
        ([(b"X-Claude-Code-Session-Id", b"a"), (b"Session-Id", b"b")], "c", "a"),
        ([(b"session-id", b"b"), (b"X-Session-ID", b"d")], "c", "c"),
        ([(b"Session-ID", b"b"), (b"X-Session-ID", b"d")], "", "b"),
        ([(b"X-Session-ID", b"d")], "", "d"),
        ([(b"X-Session-ID", b"")], "", ""),
        ([], "", ""),
    ],
)
def test_conversations(headers: list[tuple[bytes, bytes]], in_body: str, conversation: str) -> None:
    """Claude Code's own field, then the body, then what others send."""
    assert conversation_of(headers, in_body) == conversation


def test_long_conversation_names_are_cut_to_a_digest() -> None:
    """Equal ones stay equal, others differ, and memory is bounded."""
    long, other = b"x" * 10_000, b"x" * 9_999 + b"y"
    one, two = (conversation_of([(b"x-session-id", name)], "") for name in (long, other))
    assert len(one) == len(two) == 64
    assert one != two


OVERLOAD = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"event: error\ndata: " + OVERLOAD + b"\n\n", OVERLOAD),
        (b"event:error\r\ndata:" + OVERLOAD + b"\r\n\r\n", OVERLOAD),
        (b": hello\n\nevent: error\ndata: x\ndata: y\n\nevent: z\n\n", b"x\ny"),
        (b"event: message_start\ndata: {}\n\nevent: error\ndata: {}\n\n", b""),
        (b"data: {}\n\n", b""),
        (b"event: error\ndata: " + OVERLOAD, None),
        (b"event: err", None),
        (b"", None),
        (b": only a comment\n\n", None),
        (b"\n\n\n\nevent: error\ndata: x\n\n", b"x"),
    ],
)
def test_the_first_event_of_a_stream(text: bytes, data: bytes | None) -> None:
    """Its data if it is an error; None while it is not whole."""
    assert error_event(text) == data


def test_a_stream_that_ended_before_its_event() -> None:
    """What has come is all there is."""
    assert error_event(b"event: error\ndata: x", ended=True) == b"x"
    assert error_event(b"", ended=True) == b""


@given(st.binary(max_size=300), st.integers(0, 300))
def test_a_stream_in_pieces_is_judged_alike(text: bytes, cut: int) -> None:
    """Once a piece of it is enough, more of it changes nothing."""
    early = error_event(text[:cut])
    if early is not None and b"\r" not in text:
        assert error_event(text) == early


@pytest.mark.parametrize(
    ("event", "overload"),
    [(OVERLOAD, True), (b'{"error":{"type":"api_error"}}', False), (b"{}", False), (b"", False)],
)
def test_overloads(event: bytes, overload: bool) -> None:
    """One kind of error says that another account may do better."""
    assert is_overload(event) is overload


def test_providers() -> None:
    """Claude's names are one; others are called like their preset."""
    assert provider("anthropic") is provider(" Claude ")
    assert provider("claude").pool_key == "ANTHROPIC"
    assert (provider("some-thing").preset, provider("some-thing").pool_key) == (
        "some-thing",
        "SOME_THING",
    )
    for name in ("", "a b", "../x", "x" * 60):
        with pytest.raises(VaultError):
            provider(name)
