"""Quota as the provider's usage endpoint tells it: per cent, and times in RFC 3339.

    {"five_hour": {"utilization": 0-100, "resets_at": "…" | null}, "seven_day_opus": …,
     "extra_usage": {"is_enabled": …, "utilization": …}}

`resets_at: null` says that no window is open, one that has passed that it is
over. A window that is null is not the account's.
"""

from collections.abc import Mapping
from typing import Any

from proxy_core.domain.accounts.headers import moment
from proxy_core.domain.accounts.windows import (
    MAX_WINDOWS,
    OVERAGE,
    Window,
    WindowStatus,
    canonical_name,
)

_LONGEST_NAME = 40
_MOST = 1e9
"""Per cent; JSON has numbers that are no quota, and no float either."""


def read_usage(document: object, now: float) -> tuple[Window, ...]:
    """The windows of a usage document; whatever is not as expected is left out."""
    if not isinstance(document, Mapping):
        return ()
    windows = []
    for name, part in list(document.items())[: 2 * MAX_WINDOWS]:
        if isinstance(name, str) and len(name) <= _LONGEST_NAME and isinstance(part, Mapping):
            window = _window(canonical_name(name), part, now)
            if window is not None:
                windows.append(window)
    return tuple(windows)


def _window(name: str, part: Mapping[str, Any], now: float) -> Window | None:
    if name == OVERAGE and part.get("is_enabled") is not True:
        return None
    per_cent = part.get("utilization")
    if not isinstance(per_cent, int | float) or isinstance(per_cent, bool):
        return None
    if not 0 <= per_cent <= _MOST:
        return None
    used, resets_at = per_cent / 100, moment(part.get("resets_at"), now)
    status = WindowStatus.ALLOWED if used < 1 else WindowStatus.UNKNOWN
    return Window(name, used, resets_at, status, now).at(now)
