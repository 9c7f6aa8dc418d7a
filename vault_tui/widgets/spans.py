"""How long something still lasts, and how much of it is used, in a few cells."""

from textual.content import Content

from proxy_core.base.clock import parse_rfc3339
from vault_tui.strings import common as strings

_FULL, _HALF, _REST = "━", "╸", "─"


def countdown(seconds: float) -> str:
    """`42 s`, `14:03`, `2:14:03`, `4 d 2 h`; never below zero."""
    left = max(int(seconds), 0)
    if left < 60:
        return f"{left} s"
    minutes, rest = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes}:{rest:02}"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours}:{minutes:02}:{rest:02}"


def seconds_until(stamp: str | None, now: float) -> float | None:
    """Seconds until an RFC 3339 time, below zero when it is over; None without a time."""
    if not stamp:
        return None
    try:
        return parse_rfc3339(stamp) - now
    except ValueError:
        return None


def bar(share: float, width: int, style: str) -> Content:
    """A share, 0 to 1 (more is drawn as full), as a bar of `width` cells."""
    halves = round(min(max(share, 0.0), 1.0) * width * 2)
    # What is a little used is not drawn as unused, nor what has a little left as full.
    if 0 < share < 1:
        halves = min(max(halves, 1), width * 2 - 1)
    full, half = divmod(halves, 2)
    drawn = _FULL * full + _HALF * half
    return Content.assemble((drawn, style), (_REST * (width - len(drawn)), "$faint"))


def per_cent(share: float | None) -> str:
    """`62 %`; a dash where only a status is known."""
    return strings.NEVER if share is None else f"{share * 100:.0f} %"
