"""Small pieces of text that several widgets are made of. Outside text is made safe here."""

import time

from textual.content import Content

from proxy_core.base.clock import parse_rfc3339
from proxy_core.base.text import display_safe
from vault_tui.strings import common as strings

BARS = "▁▂▃▄▅▆▇█"


def plain(text: str, style: str = "", limit: int | None = None) -> Content:
    """Text from anywhere as Content: never markup, never an escape."""
    return Content.styled(display_safe(text, limit), style)


def safe_lines(text: str) -> str:
    """As display_safe, with the line breaks kept."""
    return "\n".join(display_safe(line) for line in text.splitlines())


def spark(values: list[int]) -> str:
    """One bar a value; an empty second is a dot-high bar, the largest a full one."""
    top = max(values, default=0)
    if not top:
        return BARS[0] * len(values)
    return "".join(BARS[min(7, -(-value * 7 // top))] for value in values)


def ago(stamp: str, now: float) -> str:
    """`12 s ago`, `3 h ago`; a dash for never. `stamp` is RFC 3339."""
    if not stamp:
        return strings.NEVER
    try:
        seconds = max(now - parse_rfc3339(stamp), 0)
    except ValueError:
        return display_safe(stamp, 20)
    for limit, unit, word in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return strings.AGO.format(count=int(seconds // unit), unit=word)
    return strings.AGO.format(count=int(seconds // 86400), unit="d")


def when(stamp: str) -> str:
    """An RFC 3339 time as local date and time; a dash for never."""
    if not stamp:
        return strings.NEVER
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(parse_rfc3339(stamp)))
    except ValueError:
        return display_safe(stamp, 32)


def spread(left: Content, right: Content, width: int) -> Content:
    """`left` and `right` at the two ends of a line; the left one gives way."""
    room = width - right.cell_length
    if left.cell_length > room - 1:
        left = left.truncate(max(room - 1, 0), ellipsis=True)
    return left + Content(" " * max(width - left.cell_length - right.cell_length, 0)) + right


def lines_content(lines: strings.Lines) -> Content:
    """Lines of (text, tone) as Content."""
    return Content("\n").join(
        Content.assemble(*((text, _tone_style(tone)) for text, tone in line)) for line in lines
    )


def _tone_style(tone: str) -> str:
    name, _, weight = tone.partition("+")
    return f"{'' if name == 'text' else f'${name}'} {weight}".strip()
