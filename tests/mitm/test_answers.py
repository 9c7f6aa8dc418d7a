"""The proxy's own answers, byte by byte."""

import json
import re

import pytest

from proxy_core.base.errors import ERRORS, VaultError
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.mitm.answers import render_answer, render_local_answer


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


@pytest.mark.parametrize("code", ["sealed", "not_initialized"])
def test_what_only_people_end_is_shown_to_them_at_once(code: str) -> None:
    """Anthropic's clients would wait in silence for an end of overload; the remedy is told, too."""
    head, body = _split(render_answer(VaultError(code), request_id="abc"))
    kind = ERRORS[code]
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"x-should-retry: false" in head
    assert b"Retry-After: 30" in head
    assert json.loads(body)["error"] == {
        "type": "api_error",
        "message": f"{kind.title}. {kind.help}",
    }


@pytest.mark.parametrize("code", ["unauthorized", "forbidden", "approval_denied"])
def test_a_refusal_is_not_asked_for_again_and_again(code: str) -> None:
    """Claude Code with an `apiKeyHelper` repeats 401 and 403 unless it would have to wait long."""
    (line,) = re.findall(rb"Retry-After: (\d+)", render_answer(VaultError(code), request_id="abc"))
    assert int(line) > 60
    assert b"Retry-After" not in render_answer(VaultError(code))


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
    ("code", "kind"),
    [
        ("bad_request", "invalid_request_error"),
        ("unauthorized", "authentication_error"),
        ("forbidden", "permission_error"),
        ("gateway_not_found", "not_found_error"),
        ("request_too_large", "request_too_large"),
        ("headers_too_large", "api_error"),
        ("rate_limited", "rate_limit_error"),
        ("internal", "api_error"),
        ("upstream_unreachable", "api_error"),
        ("upstream_timeout", "api_error"),
        ("overloaded", "overloaded_error"),
    ],
)
def test_anthropic_envelope(code: str, kind: str) -> None:
    """Where its clients read it, the error stands in their envelope, the problem beside it."""
    head, body = _split(render_answer(VaultError(code, "no"), request_id="abc"))
    document = json.loads(body)
    assert document["type"] == "error"
    assert document["error"] == {"type": kind, "message": "no"}
    assert document["request_id"] == "req_abc"
    assert (document["code"], document["detail"]) == (code, "no")
    assert b"request-id: req_abc\r\n" in head + b"\r\n"


def test_others_get_the_problem_alone() -> None:
    """No envelope and no request id, where nobody reads them."""
    head, body = _split(render_answer(VaultError("forbidden", "no")))
    assert json.loads(body)["error"] == "forbidden"
    assert b"request-id" not in head


def test_each_401_says_how_to_authenticate() -> None:
    """A gateway's client gets a challenge that it can answer."""
    assert b'WWW-Authenticate: Bearer realm="vault-tui"\r\n' in render_answer(
        VaultError("unauthorized")
    )


def test_a_local_answer_is_one_whole_response() -> None:
    """With its fields and its length; without a body for HEAD, 204 and 304."""
    answer = LocalAnswer(200, b"hi", (("ETag", '"a"'),))
    head, body = _split(render_local_answer(answer, bodiless=False, close=True))
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 200 OK",
        b'ETag: "a"',
        b"Connection: close",
        b"Content-Length: 2",
    ]
    assert body == b"hi"
    assert render_local_answer(answer, bodiless=True, close=False).endswith(b": 2\r\n\r\n")
    unchanged = render_local_answer(LocalAnswer(304, b"x"), bodiless=False, close=False)
    assert b"Content-Length" not in unchanged
    assert unchanged.endswith(b"\r\n\r\n")


def test_no_local_answer_can_be_cut_in_two() -> None:
    """A line end in a field is a fault of ours, never sent."""
    with pytest.raises(ValueError, match="line end"):
        render_local_answer(
            LocalAnswer(200, headers=(("X", "a\r\nB: c"),)), bodiless=False, close=False
        )
