"""Quota as the header fields of a response tell it.

anthropic-ratelimit-unified-{status, reset, representative-claim}    of the whole account
anthropic-ratelimit-unified-WINDOW-{utilization, status, reset}       of one window
anthropic-ratelimit-{requests, tokens, …}-{limit, remaining, reset}   of an API key
retry-after, retry-after-ms

A reset that has just passed says that the window is over: none is open, and nothing of it is used.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from proxy_core.domain.accounts.windows import (
    FARTHEST_RESET,
    Window,
    WindowStatus,
    canonical_name,
)

_PREFIX = b"anthropic-ratelimit-"
_RETRY = (b"retry-after", b"retry-after-ms")
_UNIFIED = re.compile(r"unified-(?:([a-z0-9][a-z0-9_-]{0,39})-)?(utilization|status|reset)")
_CLAIM, _IN_USE = "unified-representative-claim", "unified-overage-in-use"
_KEYED = re.compile(r"(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)")
_MOST_USED = 100.0
LONGEST_WAIT = 86_400.0
"""Seconds: a longer Retry-After is cut, so that an account is tried again within a day."""

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class HeaderQuota:
    """What one response tells. `claim` names the window that decided `status`; empty: unknown.

    `retry_after` is in seconds. `extra_usage`: this request was paid for beyond the plan.
    """

    windows: tuple[Window, ...] = ()
    status: WindowStatus = WindowStatus.UNKNOWN
    claim: str = ""
    resets_at: float | None = None
    retry_after: float | None = None
    extra_usage: bool = False

    @property
    def rejected(self) -> bool:
        """Whether the provider says that the quota is used up."""
        return self.status is WindowStatus.REJECTED


NOTHING_TOLD = HeaderQuota()


def read_headers(headers: Sequence[Header], now: float) -> HeaderQuota:
    """What header fields tell of quota at `now`; what makes no sense counts as left out."""
    fields = dict(_relevant(headers))
    if not fields:
        return NOTHING_TOLD
    whole, parts = _unified(fields)
    status = _status(whole.get("status"))
    claim = canonical_name(fields.get(_CLAIM, "")[:40])
    resets_at = _epoch(whole.get("reset"), now)
    windows = {name: _window(name, part, now) for name, part in parts.items()}
    if claim and status is WindowStatus.REJECTED:
        windows[claim] = _rejected(windows.get(claim), claim, resets_at, now)
    windows.update((window.name, window) for window in _keyed(fields, now))
    return HeaderQuota(
        windows=tuple(windows.values()),
        status=status,
        claim=claim,
        resets_at=resets_at,
        retry_after=_retry_after(fields, now),
        extra_usage=fields.get(_IN_USE, "").lower() == "true",
    )


def _relevant(headers: Iterable[Header]) -> Iterable[tuple[str, str]]:
    for name, value in headers:
        key = name.lower()
        if key.startswith(_PREFIX):
            yield key[len(_PREFIX) :].decode("latin-1"), value.decode("latin-1").strip()
        elif key in _RETRY:
            yield key.decode("ascii"), value.decode("latin-1").strip()


def _unified(fields: dict[str, str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Of the account as a whole, and window by window."""
    whole: dict[str, str] = {}
    parts: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        if found := _UNIFIED.fullmatch(name):
            window, field = found.groups()
            part = whole if window is None else parts.setdefault(canonical_name(window), {})
            part[field] = value
    return whole, parts


def _window(name: str, part: dict[str, str], now: float) -> Window:
    used = _number(part.get("utilization"))
    if used is not None and not 0.0 <= used <= _MOST_USED:
        used = None
    reset, status = _near(_number(part.get("reset")), now), _status(part.get("status"))
    return Window(name, used, reset, status, now).at(now)


def _rejected(told: Window | None, claim: str, resets_at: float | None, now: float) -> Window:
    """The window that a refusal names, with the reset of the refusal where it has none itself."""
    own = None if told is None else told.resets_at
    used = None if told is None else told.used
    return Window(claim, used, own or resets_at, WindowStatus.REJECTED, now)


def _keyed(fields: dict[str, str], now: float) -> Iterable[Window]:
    parts: dict[str, dict[str, str]] = {}
    for name, value in fields.items():
        if found := _KEYED.fullmatch(name):
            parts.setdefault(found[1], {})[found[2]] = value
    for name, part in parts.items():
        limit, remaining = _number(part.get("limit")), _number(part.get("remaining"))
        if limit and limit > 0 and remaining is not None and 0 <= remaining <= limit:
            used, resets_at = 1.0 - remaining / limit, moment(part.get("reset"), now)
            yield Window(canonical_name(name), used, resets_at, observed_at=now).at(now)


def _status(text: str | None) -> WindowStatus:
    try:
        return WindowStatus((text or "").lower())
    except ValueError:
        return WindowStatus.UNKNOWN


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _epoch(text: str | None, now: float) -> float | None:
    """Epoch seconds that lie ahead, and not absurdly far."""
    value = _near(_number(text), now)
    return value if value is not None and now < value else None


def _near(value: float | None, now: float) -> float | None:
    """A time that is not absurdly far, behind or ahead."""
    return value if value is not None and abs(value - now) <= FARTHEST_RESET else None


def moment(text: object, now: float) -> float | None:
    """A time in RFC 3339, behind or ahead, as epoch seconds; None for everything else."""
    if not isinstance(text, str) or len(text) > 64:
        return None
    try:
        at = datetime.fromisoformat(text)
        return _near((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp(), now)
    except (ValueError, OverflowError):
        return None


def _retry_after(fields: dict[str, str], now: float) -> float | None:
    milliseconds = _number(fields.get("retry-after-ms"))
    if milliseconds is not None and milliseconds >= 0:
        return min(milliseconds / 1000, LONGEST_WAIT)
    text = fields.get("retry-after", "")
    seconds = _number(text)
    if seconds is None:
        seconds = _until_date(text, now)
    return None if seconds is None or seconds < 0 else min(seconds, LONGEST_WAIT)


def _until_date(text: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
