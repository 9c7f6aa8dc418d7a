"""How often and when a receiver is asked again.

Rules
- 2xx took it. Without an answer, and at 408, 425, 429 and 5xx, it may take it later.
- Any other answer is meant: the same request would get it again.
- `Retry-After` is honoured, but for no longer than LONGEST: what is told grows old.
"""

from typing import Final

PAUSES: Final = (1.0, 5.0, 30.0, 120.0)
"""Seconds before the second try and those that follow it."""
LONGEST: Final = 600.0
_PASSING: Final = frozenset((0, 408, 425, 429))


def is_passing(status: int) -> bool:
    """Whether asking again may help; 0 stands for no answer."""
    return status in _PASSING or status >= 500


def pause_before(retry: int, retry_after: float | None) -> float:
    """Seconds to wait before a retry, which are counted from 0."""
    asked = 0.0 if retry_after is None else min(retry_after, LONGEST)
    return max(PAUSES[retry], asked)
