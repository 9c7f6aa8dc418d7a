"""Quota windows: how much of each is used, and until when.

    5h, 7d              limit every request of the account
    7d_opus, 7d_sonnet  limit requests for that family of models only
    overage, 7d_oi      with paid extra usage; never a limit by themselves
    requests, tokens, … the limits of an API key, by the minute

A window's figures are its own: nothing known of one stands in for another. `resets_at` None means
that no window is open; once a reset has passed, the window counts as closed and unused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

OVERAGE = "overage"
SHORT, WEEKLY = "5h", "7d"
MAX_WINDOWS = 24
FARTHEST_RESET = 35 * 86_400.0
"""Seconds ahead; a reset beyond that is an error of whoever told it."""

_SPELLINGS = {"five_hour": SHORT, "seven_day": WEEKLY, "extra_usage": OVERAGE}
_NAMES = {"seven_day_overage_included": "7d_oi"}
NEVER_LIMITING = frozenset((OVERAGE, "7d_oi"))
"""Windows of paid use: that they are full says nothing of the plan's own quota."""
_NO_FAMILY = frozenset(("oi", "oauth_apps"))


class WindowStatus(StrEnum):
    """What the provider says of a window; UNKNOWN when it says nothing."""

    UNKNOWN = ""
    ALLOWED = "allowed"
    WARNING = "allowed_warning"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Window:
    """`used` is a share, 0 to 1 and sometimes a little more; None where only a status is known.

    Times are epoch seconds. `observed_at` is when these figures were told.
    """

    name: str
    used: float | None = None
    resets_at: float | None = None
    status: WindowStatus = WindowStatus.UNKNOWN
    observed_at: float = 0.0

    @property
    def left(self) -> float | None:
        """The share that is left, never below 0; as exact as the decimal that was told."""
        return None if self.used is None else max(0.0, round(1.0 - self.used, 9))

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be taken from it. What the provider says of that counts."""
        if self.status is not WindowStatus.UNKNOWN:
            return self.status is WindowStatus.REJECTED
        return self.used is not None and self.used >= 1.0

    def at(self, now: float) -> "Window":
        """The window as it is now: closed and unused once its reset has passed."""
        if self.resets_at is None or now < self.resets_at:
            return self
        return Window(self.name, 0.0, None, observed_at=self.observed_at)

    def is_rejecting(self, now: float) -> bool:
        """Whether it is full, and open until a known reset."""
        return self.is_full and self.resets_at is not None and now < self.resets_at


Windows = Mapping[str, Window]


@lru_cache(maxsize=256)
def canonical_name(name: str) -> str:
    """A window's name as header fields have it, from that or from the provider's long one."""
    plain = name.strip().lower().replace("-", "_")
    if plain in _NAMES:
        return _NAMES[plain]
    for long, short in _SPELLINGS.items():
        if plain == long:
            return short
        if plain.startswith(f"{long}_"):
            return f"{short}_{plain[len(long) + 1 :]}"
    return plain


def family_of(name: str) -> str:
    """The family of models that a window limits; empty when it limits every model."""
    base, _, scope = name.partition("_")
    return scope if base in (SHORT, WEEKLY) and scope not in _NO_FAMILY else ""


def limits(name: str, model: str) -> bool:
    """Whether a window counts for requests that ask for `model` (empty: unknown)."""
    if name in NEVER_LIMITING:
        return False
    family = family_of(name)
    return not family or family in model.lower()


def limiting(windows: Windows, model: str, now: float) -> list[Window]:
    """The open windows that count for a model, as they are now."""
    return [window.at(now) for name, window in windows.items() if limits(name, model)]


def share_left(windows: Windows, model: str, now: float) -> float:
    """What is left for a model: of the window with the least; 1 when nothing is known."""
    shares = [
        0.0 if window.is_rejecting(now) else window.left for window in limiting(windows, model, now)
    ]
    return min((share for share in shares if share is not None), default=1.0)


def merged(known: Windows, news: Iterable[Window]) -> dict[str, Window]:
    """`known` with newer figures: window by window, older news ignored."""
    result = dict(known)
    for window in news:
        old = result.get(window.name)
        if old is not None and old.observed_at > window.observed_at:
            continue
        if old is None and len(result) >= MAX_WINDOWS and window.name not in (SHORT, WEEKLY):
            continue
        result[window.name] = window if old is None else _continued(old, window)
    return result


def _continued(old: Window, new: Window) -> Window:
    """`new`, with what it leaves out taken from the same window's present opening."""
    old = old.at(new.observed_at)
    if new.used is None and new.resets_at in (None, old.resets_at):
        return replace(new, used=old.used, resets_at=old.resets_at)
    return new


def window_documents(windows: Windows) -> dict[str, Any]:
    """Windows as they are stored: `read_windows` takes them back."""
    return {
        name: {
            "used": window.used,
            "resets_at": window.resets_at,
            "status": str(window.status),
            "observed_at": window.observed_at,
        }
        for name, window in windows.items()
    }


def read_windows(documents: Mapping[str, Any]) -> dict[str, Window]:
    """Stored windows; one that can't be read is left out: it will be told again."""
    found: dict[str, Window] = {}
    for name, document in documents.items():
        try:
            found[name] = _read_window(name, document)
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _read_window(name: str, document: Mapping[str, Any]) -> Window:
    used, resets_at = document["used"], document["resets_at"]
    return Window(
        name,
        None if used is None else float(used),
        None if resets_at is None else float(resets_at),
        WindowStatus(document["status"]),
        float(document["observed_at"]),
    )
