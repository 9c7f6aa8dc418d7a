"""One account as a card: who it is and how it stands, then a line for each quota window."""

from rich.cells import set_cell_size
from textual.content import Content

from proxy_core.base.text import display_safe
from proxy_core.domain.wire import AccountInfo, QuotaWindow
from vault_tui.strings import accounts as words
from vault_tui.widgets.spans import bar, countdown, per_cent, seconds_until
from vault_tui.widgets.words import plain

_SOON_SECONDS = 300.0
_NOTICEABLE = 0.0005
"""A burn rate that would be shown as `0.0 %/h`, as share of a window per hour."""
_INDENT = 3
_WINDOW_NAME = 10
_BARS = ((110, 34), (90, 22), (0, 11))
_WIDE, _MEDIUM = 110, 90


def card(account: AccountInfo, width: int, now: float, pointed: bool) -> Content:
    """The card in lines of at most `width` cells. `now` is epoch seconds."""
    windows = [window_line(window, width, now) for window in account.windows]
    if not windows:
        windows = [Content.styled(" " * _INDENT + words.NO_QUOTA, "$faint")]
    lines = [_head(account, width, now, pointed), *windows]
    return Content("\n").join([*(line.truncate(width, ellipsis=True) for line in lines), _BLANK])


_BLANK = Content(" ")


def _head(account: AccountInfo, width: int, now: float, pointed: bool) -> Content:
    wide, medium = width >= _WIDE, width >= _MEDIUM
    pieces: list[tuple[str, str] | Content] = [
        ("▸" if pointed else " ", "$accent bold"),
        (f"{words.DEFAULT} " if account.default else "  ", "$accent bold"),
        _cell(account.nickname or account.email or account.id, 18 if medium else 14, "bold"),
        _fitted(state(account, now), 20 if medium else 19),
    ]
    if wide:
        pieces.append(_cell(account.email, 26, "$muted"))
    pieces.append(_fitted(_serves(account), 16 if medium else 13))
    flight = words.IN_FLIGHT.format(count=account.in_flight)
    pieces.append((f"{flight:<13}", "bold" if account.in_flight else "$faint"))
    pieces.append(token(account, now))
    return Content.assemble(*pieces)


def state(account: AccountInfo, now: float) -> Content:
    """`● active`, `◌ cooling 4:10`: glyph, word and what is left of it."""
    glyph, word, tone = words.STATES.get(account.state, ("?", account.state, "warning"))
    left = seconds_until(account.until, now)
    ends = "" if left is None else f" {countdown(left)}"
    return Content.assemble((f"{glyph} ", f"${tone} bold"), plain(f"{word}{ends}", f"${tone}"))


def token(account: AccountInfo, now: float) -> Content:
    """When its access token ends; loud when that is soon and its refresh is overdue."""
    left = seconds_until(account.expires_at, now)
    if left is None:
        return Content.styled(words.TOKEN_NO_END, "$faint")
    if left <= 0:
        return Content.styled(words.TOKEN_EXPIRED, "$error")
    due = seconds_until(account.next_refresh_at, now)
    late = left < _SOON_SECONDS and (due is None or due <= 0)
    style = "$warning" if late else "$muted"
    return Content.styled(words.TOKEN.format(left=countdown(left)), style)


def _serves(account: AccountInfo) -> Content:
    if not account.pools:
        return Content.styled(words.NO_POOL, "$warning")
    return plain(" ".join(account.pools), "$primary")


def window_line(window: QuotaWindow, width: int, now: float) -> Content:
    """Name, bar, per cent, reset, burn rate, time to empty: this window's own figures."""
    resets = seconds_until(window.resets_at, now)
    name = _cell(window.name.replace("_", " "), _WINDOW_NAME, "$muted")
    cells = next(cells for least, cells in _BARS if width >= least)
    if resets is None or resets <= 0:
        closed = Content.styled(f"{'':<{cells}}  {words.NO_WINDOW}", "$faint")
        return Content.assemble(" " * _INDENT, name, closed)
    tone = _tone(window)
    drawn = bar(window.used or 0.0, cells, tone) if window.used is not None else _blank(cells)
    mark = " ▲ " if window.warns and not _full(window) else "   "
    return Content.assemble(
        " " * _INDENT,
        name,
        drawn,
        (f" {per_cent(window.used):>5}{mark}", f"{tone} bold"),
        (f"{words.RESETS_IN.format(left=countdown(resets)):<20}", "$muted"),
        _pace(window, resets),
    )


def _pace(window: QuotaWindow, resets: float) -> Content:
    """How fast it is used; loud when it will be empty before it is reset."""
    if _full(window):
        return Content.styled(words.WINDOW_FULL, "$error bold")
    if window.burn_per_hour is None or window.burn_per_hour < _NOTICEABLE:
        return Content("")
    rate = words.BURNS.format(rate=_rate(window.burn_per_hour))
    pace = Content.styled(f"{rate:<9}", "$muted")
    if window.empty_in_seconds is None:
        return pace
    early = window.empty_in_seconds < resets
    left = words.EMPTY_IN.format(left=countdown(window.empty_in_seconds))
    return pace + Content.styled(left, "$warning bold" if early else "$faint")


def _rate(per_hour: float) -> str:
    share = per_hour * 100
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"


def _full(window: QuotaWindow) -> bool:
    if window.status:
        return window.status == "rejected"
    return window.used is not None and window.used >= 1


def _tone(window: QuotaWindow) -> str:
    if _full(window):
        return "$error"
    return "$warning" if window.warns else "$primary"


def _blank(cells: int) -> Content:
    return Content(" " * cells)


def _cell(text: str, width: int, style: str) -> Content:
    return _fitted(Content.styled(display_safe(text, width), style), width)


def _fitted(text: Content, width: int) -> Content:
    """In exactly `width` cells, the last of them a blank."""
    if text.cell_length >= width:
        text = text.truncate(width - 1, ellipsis=True)
    return text + Content(set_cell_size("", width - text.cell_length))
