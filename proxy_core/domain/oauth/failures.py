"""Why a provider issued no token, and whether asking again can help (RFC 6749 5.2).

Rules
- A 4xx is final, except 408, 425 and 429; so is an error in a 200, as GitHub and Slack send it.
- Everything else may pass: 408, 425, 429, 5xx, and codes by which providers say "later".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from proxy_core.domain.oauth.redaction import redacted

_PASSING_STATUSES = frozenset((408, 425, 429))
_PASSING_CODES = frozenset(
    (
        "authorization_pending",
        "slow_down",
        "temporarily_unavailable",
        "server_error",
        # Slack, in answers of status 200
        "ratelimited",
        "fatal_error",
        "internal_error",
        "service_unavailable",
        "request_timeout",
        # Anthropic's and HubSpot's own envelopes
        "overloaded_error",
        "rate_limit_error",
        "api_error",
        "rate_limits",
    )
)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", re.ASCII)


@dataclass(slots=True)
class TokenError(Exception):
    """No token was issued.

    `final`: asking again with the same grant is useless, a person must connect anew. Otherwise
    try later, `retry_after` seconds from now if the provider said so.
    `code` is the provider's own (`invalid_grant`), `http_503`, or one of ours: `unreachable`,
    `timeout`, `tls`, `address_blocked`, `redirect_refused`, `reply_too_large`, `bad_reply`,
    `http_refused`, `client_incomplete`, `invalid_key`.
    `detail` is one sentence, redacted and safe to show. `status` is HTTP's, 0 without an answer.
    """

    final: bool
    code: str
    detail: str
    retry_after: float | None = None
    status: int = 0

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def refusal(
    status: int,
    headers: Mapping[str, str],
    fields: Mapping[str, Any],
    secrets: Iterable[bytes],
    now: float,
) -> TokenError:
    """The error that an answer stands for.

    `headers` have lower-case names, `fields` are the body's as far as it could be read, `secrets`
    must not survive in the detail, `now` is in epoch seconds.
    """
    known = tuple(secrets)
    code = _code(fields) or f"http_{status}"
    safe_code = redacted(code, known, 64)
    detail = redacted(_description(fields), known) or f"the provider answered with HTTP {status}"
    passing = code in _PASSING_CODES or status in _PASSING_STATUSES or status >= 500
    wait = retry_after_seconds(headers, now) if passing else None
    return TokenError(not passing, safe_code, detail, wait, status)


def _code(fields: Mapping[str, Any]) -> str:
    """The error's name: RFC 6749's field, or the place where some providers have it."""
    error = fields.get("error")
    if isinstance(error, Mapping):
        candidates = [error.get("type"), error.get("code"), error.get("status")]
    else:
        candidates = [error, fields.get("errorCode"), fields.get("code"), fields.get("category")]
        candidates.append(fields.get("status"))
    for candidate in candidates:
        if isinstance(candidate, str) and _CODE.fullmatch(candidate):
            return candidate
    return ""


def _description(fields: Mapping[str, Any]) -> str:
    error = fields.get("error")
    inner = error if isinstance(error, Mapping) else {}
    for candidate in (
        fields.get("error_description"),
        inner.get("message"),
        fields.get("message"),
        fields.get("reason"),
    ):
        if isinstance(candidate, str) and candidate.strip():
            return candidate.strip()
    return ""


def retry_after_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait by `Retry-After`, in seconds or as a date (RFC 9110 10.2.3); None without.

    A date counts from the answer's own `Date`, where it has one: clocks differ.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until = _http_date(value)
    if until is None:
        return None
    since = _http_date(headers.get("date", ""))
    return max(0.0, until - (now if since is None else since))


def _http_date(value: str) -> float | None:
    if not value:
        return None
    try:
        parsed: datetime = parsedate_to_datetime(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
