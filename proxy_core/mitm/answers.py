"""The proxy's own answers: problem documents that say who refused, why, and what to do next."""

import json
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.domain.refusals import FINAL_SECONDS, REFUSALS

CHALLENGES = {
    401: b'WWW-Authenticate: Bearer realm="vault-tui"\r\n',
    407: b'Proxy-Authenticate: Basic realm="vault-tui"\r\n',
}
TUNNEL_OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"

_DEFAULT_RETRY_AFTER = {"sealed": 30, "not_initialized": 30, "shutting_down": 2, "overloaded": 2}
_SOON = 120
"""Seconds that clients are willing to wait; for what lasts longer they better tell people."""
_FOR_PEOPLE = ("sealed",)
"""Passing, but not by itself: people at a client better learn of it than wait."""
_PHRASES = {
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    407: b"Proxy Authentication Required",
    413: b"Content Too Large",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
}
_OVERLOADED = "overloaded_error"
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: _OVERLOADED,
    529: _OVERLOADED,
}


def render_answer(
    error: VaultError, *, request_id: str = "", bodiless: bool = False, close: bool = False
) -> bytes:
    """One whole response; `bodiless` for HEAD.

    With `request_id` it has the envelope that Anthropic's clients read, and is called by that id.
    """
    status = error.status
    retry_after, soon = _prospect(error, enveloped=bool(request_id))
    body = json.dumps(_document(error, request_id, soon=soon)).encode()
    code = error.code.encode("ascii")
    head = b"HTTP/1.1 %d %s\r\n" % (status, _PHRASES.get(status, b"Error"))
    head += b"Content-Type: application/problem+json\r\nCache-Control: no-store\r\n"
    head += b"X-Vault-Proxy-Error: %s\r\nX-Agent-Vault-Proxy-Error: true\r\n" % code
    head += CHALLENGES.get(status, b"")
    if request_id:
        head += b"request-id: req_%s\r\n" % request_id.encode("ascii")
    if retry_after:
        head += b"Retry-After: %d\r\n" % retry_after
    if not soon and (status in (401, 403, 429) or status >= 500):
        head += b"x-should-retry: false\r\n"
    if close:
        head += b"Connection: close\r\n"
    head += b"Content-Length: %d\r\n\r\n" % len(body)
    return head if bodiless else head + body


def render_last_hop(*, close: bool) -> bytes:
    """The answer to OPTIONS whose Max-Forwards is used up (RFC 9110 7.6.2)."""
    connection = b"Connection: close\r\n" if close else b""
    return b"HTTP/1.1 204 No Content\r\n" + connection + b"\r\n"


def render_local_answer(answer: LocalAnswer, *, bodiless: bool, close: bool) -> bytes:
    """One whole response; `bodiless` for HEAD. Its fields are the vault's own words."""
    phrase = _PHRASES.get(answer.status, b"OK" if answer.status < 400 else b"Error")
    head = b"HTTP/1.1 %d %s\r\n" % (answer.status, phrase)
    for name, value in answer.headers:
        line = f"{name}: {value}".encode("latin-1")
        if b"\r" in line or b"\n" in line:
            raise ValueError("a header field with a line end")
        head += line + b"\r\n"
    if close:
        head += b"Connection: close\r\n"
    if answer.status not in (204, 304):
        head += b"Content-Length: %d\r\n" % len(answer.body)
    bodiless = bodiless or answer.status in (204, 304)
    return head + b"\r\n" + (b"" if bodiless else answer.body)


def _prospect(error: VaultError, *, enveloped: bool) -> tuple[int, bool]:
    """Seconds until it is worth asking again (0: nobody knows), and whether to wait for that."""
    retry_after = error.retry_after or _DEFAULT_RETRY_AFTER.get(error.code, 0)
    passing = error.kind.retryable or error.retry_after is not None
    soon = passing and retry_after <= _SOON
    if not enveloped:
        return retry_after, soon
    if error.status in REFUSALS:
        retry_after = retry_after or FINAL_SECONDS
    return retry_after, soon and error.code not in _FOR_PEOPLE


def _document(error: VaultError, request_id: str, *, soon: bool) -> dict[str, Any]:
    document = error.problem()
    if request_id:
        kind = _ANTHROPIC_TYPES.get(error.status, "api_error")
        if kind == _OVERLOADED and not soon:
            kind = "api_error"  # they wait for an end of overload, whatever x-should-retry says
        # Its clients show this alone; where nothing is said of the case, it says what to do.
        message = error.detail or f"{error.kind.title}. {error.advice}"
        document |= {"type": "error", "error": {"type": kind, "message": message}}
        document["message"] = message
        document["request_id"] = f"req_{request_id}"
    return document
