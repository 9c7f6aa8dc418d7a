"""The proxy's own answers, byte by byte."""

import json

import pytest

from proxy_core.base.errors import ERRORS, VaultError
from proxy_core.mitm.answers import render_answer


def _split(answer: bytes) -> tuple[bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_code_renders(code: str) -> None:
    """Whatever the code, the answer is one whole response with the fields agents read."""
    head, body = _split(render_answer(VaultError(code, "why", {"x": 1})))
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 %d " % ERRORS[code].status)
    assert b"Content-Type: application/problem+json" in lines
    assert b"X-Vault-Proxy-Error: " + code.encode() in lines
    assert b"X-Agent-Vault-Proxy-Error: true" in lines
    assert b"Content-Length: %d" % len(body) in lines
    document = json.loads(body)
    assert (document["code"], document["error"], document["message"]) == (code, code, "why")
    assert document["help"]
    assert document["x"] == 1


@pytest.mark.parametrize(
    ("code", "hopeless"),
    [("forbidden", True), ("internal", True), ("upstream_unreachable", False), ("sealed", False)],
)
def test_should_retry(code: str, hopeless: bool) -> None:
    """Clients are told not to retry exactly where a retry can't help."""
    assert (b"x-should-retry: false\r\n" in render_answer(VaultError(code))) is hopeless


def test_an_error_that_says_when_is_worth_a_retry() -> None:
    """A token that couldn't be refreshed just now, unlike one that a person has to connect anew."""
    now = render_answer(VaultError("oauth_refresh_failed", retry_after=2))
    assert b"Retry-After: 2\r\n" in now
    assert b"x-should-retry" not in now
    assert b"x-should-retry: false\r\n" in render_answer(VaultError("oauth_refresh_failed"))


def test_retry_after() -> None:
    """The error's own time counts; some codes have one anyway."""
    assert b"Retry-After: 7\r\n" in render_answer(VaultError("rate_limited", retry_after=7))
    assert b"Retry-After: " in render_answer(VaultError("overloaded"))
    assert b"Retry-After: " not in render_answer(VaultError("forbidden"))


def test_bodiless_and_close() -> None:
    """HEAD gets the length without the body; a connection that ends says so."""
    head, body = _split(render_answer(VaultError("forbidden"), bodiless=True, close=True))
    assert body == b""
    assert b"\r\nConnection: close" in head
    assert b"Content-Length: 0" not in head


@pytest.mark.parametrize(
    ("host", "enveloped"),
    [("api.anthropic.com", True), ("anthropic.com", True), ("notanthropic.com", False)],
)
def test_anthropic_envelope(host: str, enveloped: bool) -> None:
    """On Anthropic's hosts the error stands in the envelope that their clients read."""
    _, body = _split(render_answer(VaultError("forbidden", "no"), host=host))
    document = json.loads(body)
    assert document["code"] == "forbidden"
    if enveloped:
        assert document["type"] == "error"
        assert document["error"] == {"type": "permission_error", "message": "no"}
    else:
        assert document["error"] == "forbidden"
