"""How long an account rests after a refusal.

Until the reset that is known; else as long as `Retry-After` says; else 1 s · 2ⁿ, at most 30 min.
A refusal that names a window is kept with that window, so that it counts only where that limits.
"""

from dataclasses import dataclass, replace

from proxy_core.domain.accounts.headers import HeaderQuota
from proxy_core.domain.accounts.windows import NEVER_LIMITING, Window, WindowStatus

TOO_MANY = 429
LONGEST_BACK_OFF = 1800.0
REPROBE_AFTER = 3600.0
"""Seconds after which a refusal is tried again although its reset lies farther ahead."""


@dataclass(frozen=True, slots=True)
class Rest:
    """An account is not asked until a time (epoch seconds), for a reason in words."""

    until: float
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refusal means: `windows` that are full, or a `rest` for the account as a whole."""

    windows: tuple[Window, ...]
    rest: Rest | None


def back_off(failures: int) -> float:
    """Seconds to wait after so many refusals in a row (1 and up) that name no time."""
    return min(2.0 ** min(max(failures, 1) - 1, 30), LONGEST_BACK_OFF)


def refusal(told: HeaderQuota, status: int, failures: int, now: float) -> Refusal:
    """What a refusal with this status means for the account; `failures` counts it too."""
    wait = told.retry_after if told.retry_after else back_off(failures)
    windows = told.windows
    if told.rejected:
        windows = tuple(_with_reset(window, now + wait) for window in windows)
        full = {window.name for window in windows if window.is_rejecting(now)}
        if full - NEVER_LIMITING:
            return Refusal(windows, None)
        if told.resets_at is not None:
            return Refusal(windows, Rest(told.resets_at, "its quota is used up"))
    why = "refused with 429" if status == TOO_MANY else "overloaded"
    return Refusal(windows, Rest(now + wait, why))


def _with_reset(window: Window, otherwise: float) -> Window:
    """A full window has to reset some time."""
    if window.status is WindowStatus.REJECTED and window.resets_at is None:
        return replace(window, resets_at=otherwise)
    return window


def probe_due(window: Window, now: float) -> bool:
    """Whether a window that is full until far ahead is worth another look."""
    return window.is_rejecting(now) and now - window.observed_at >= REPROBE_AFTER
