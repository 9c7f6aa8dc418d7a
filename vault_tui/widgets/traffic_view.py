"""The live table of requests: one strip a row, drawn only when it is in sight.

Nothing here knows how many rows there are: a repaint costs what the visible rows cost, and rows
drawn before come from a cache keyed by what they show.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vault_tui.strings.common import Lines
from vault_tui.traffic.ring import Row, TrafficRing
from vault_tui.widgets.brush import TONES, Brush
from vault_tui.widgets.columns import Column, Piece, Wants, columns_for, row_pieces, wants_of

_CACHED_STRIPS = 600


class TrafficView(ScrollView, can_focus=True):
    """Draws `ring.shown`; owns the cursor. `sync()` brings it up to date with the ring."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"traffic--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "first", show=False),
        Binding("end,G", "last", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row."""

    class Held(Message):
        """The reader stopped following, or (`following`) reached the end again."""

        def __init__(self, following: bool) -> None:
            super().__init__()
            self.following = following

    class OlderWanted(Message):
        """The reader is near the top."""

    class Opened(Message):
        """The row under the cursor was clicked twice."""

    def __init__(self, ring: TrafficRing, id: str | None = None) -> None:
        super().__init__(id=id)
        self.ring = ring
        self.cursor = 0
        self.empty_lines: Lines = ()
        self.paged: Callable[[int], None] | None = None
        """What the page keys turn in place of the table."""
        self._seen = -1
        self._strips: OrderedDict[tuple[object, ...], Strip] = OrderedDict()
        self._brush = Brush(lambda tone: self.get_component_rich_style(f"traffic--{tone}"))
        self._columns: list[Column] = []
        self._follow_width = 0
        self._wants: Wants = {}

    # --- state --------------------------------------------------------------------------------

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        shown = self.ring.shown
        return shown[self.cursor] if 0 <= self.cursor < len(shown) else None

    @property
    def _table_height(self) -> int:
        return max(self.size.height - 1, 1)

    def sync(self, force: bool = False) -> bool:
        """Draw what changed in the ring; returns whether anything did."""
        if self._seen == self.ring.changed and not force:
            return False
        self._seen = self.ring.changed
        count = len(self.ring.shown)
        height = count + 1
        if self.virtual_size.height != height or self.virtual_size.width != self.size.width:
            self.virtual_size = Size(self.size.width, height)
        if not self.ring.holding:
            self.cursor = count - 1
            self._scroll_to_line(count - self._table_height)
            self.post_message(self.Moved())
        self.cursor = min(max(self.cursor, 0), max(count - 1, 0))
        self._measure()
        self.refresh()
        return True

    def _measure(self) -> None:
        """Give the columns the room that the rows in sight ask for; they never shrink again."""
        top = round(self.scroll_y)
        before = dict(self._wants)
        for row in self.ring.shown[top : top + self._table_height]:
            for name, cells in wants_of(row).items():
                if cells > self._wants.get(name, 0):
                    self._wants[name] = cells
        if self._wants != before:
            self._follow_width = 0
            self._strips.clear()

    def prepended(self, rows: int) -> None:
        """`rows` were put on top: keep what the reader looks at where it is."""
        self.cursor += rows
        offset = round(self.scroll_y) + rows
        self.sync(force=True)
        self._scroll_to_line(offset)

    def _scroll_to_line(self, line: int) -> None:
        self.scroll_to(y=max(line, 0), animate=False, immediate=True, force=True)

    # --- drawing ------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """The header on the first line, rows below."""
        width = self.size.width
        if width != self._follow_width:
            self._follow_width = width
            self._columns = columns_for(width, self._wants)
        if y == 0:
            return self._header(width)
        shown = self.ring.shown
        index = round(self.scroll_y) + y - 1
        if not shown:
            return self._empty(y, width)
        if index >= len(shown):
            return self._brush.blank(width)
        return self._row_strip(shown[index], index == self.cursor, width)

    def _row_strip(self, row: Row, at_cursor: bool, width: int) -> Strip:
        look = "cursor" if at_cursor else "mark" if row.marked else ""
        key = (row.number, row.version, look, row.marked, width, self.has_focus and at_cursor)
        strip = self._strips.get(key)
        if strip is None:
            pieces = row_pieces(row, self._columns, pointer=at_cursor)
            strip = self._brush.strip(pieces, look, width)
            self._strips[key] = strip
            if len(self._strips) > _CACHED_STRIPS:
                self._strips.popitem(last=False)
        return strip

    def _header(self, width: int) -> Strip:
        pieces: list[Piece] = [("  ", "faint")]
        for column in self._columns:
            text = column.title[: column.width]
            padded = text.rjust(column.width) if column.right else text.ljust(column.width)
            pieces.append((padded + column.gap, "faint"))
        return self._brush.strip(pieces, "", width)

    def _empty(self, y: int, width: int) -> Strip:
        first = max(self._table_height // 2 - len(self.empty_lines) // 2 - 1, 1)
        if not first <= y < first + len(self.empty_lines):
            return self._brush.blank(width)
        line = self.empty_lines[y - first]
        left = max((width - sum(len(text) for text, _ in line)) // 2, 0)
        return self._brush.strip([(" " * left, "text"), *line], "", width)

    def notify_style_update(self) -> None:
        """The theme changed: draw everything anew."""
        super().notify_style_update()
        self._brush.forget()
        self._strips.clear()

    def on_resize(self) -> None:
        """Another width has other columns."""
        self._strips.clear()
        self.sync(force=True)
        self._show_cursor()

    # --- moving -------------------------------------------------------------------------------

    def hold(self) -> None:
        """Stop following."""
        if not self.ring.holding:
            self.ring.hold()
            self.post_message(self.Held(following=False))

    def follow(self) -> None:
        """Follow the newest row again."""
        self.ring.release()
        self.sync(force=True)
        self.post_message(self.Held(following=True))

    def move_to(self, index: int) -> None:
        """Put the cursor on row `index` of those shown; nothing else moves unless it must."""
        count = len(self.ring.shown)
        if not count:
            return
        self.hold()
        self.cursor = min(max(index, 0), count - 1)
        self._show_cursor()
        self._measure()
        self.refresh()
        self.post_message(self.Moved())
        if self.cursor < self._table_height:
            self.post_message(self.OlderWanted())

    def _show_cursor(self) -> None:
        top, height = round(self.scroll_y), self._table_height
        if self.cursor < top:
            self._scroll_to_line(self.cursor)
        elif self.cursor >= top + height:
            self._scroll_to_line(self.cursor - height + 1)

    def action_move(self, rows: int) -> None:
        """One row up or down; down from the last row follows again."""
        if rows > 0 and self.cursor >= len(self.ring.shown) - 1 and self.ring.holding:
            self.follow()
        elif rows < 0 or self.ring.holding:
            self.move_to(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """A screenful up or down."""
        if self.paged is not None:
            self.paged(pages)
            return
        self.action_move(pages * max(self._table_height - 1, 1))

    def action_first(self) -> None:
        """The oldest row here."""
        self.move_to(0)

    def action_last(self) -> None:
        """The newest row, and follow."""
        self.follow()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The wheel or the scroll bar left the end, reached it, or reached the top."""
        super().watch_scroll_y(old_value, new_value)
        if round(new_value) < round(old_value) and round(new_value) < self._table_height:
            self.post_message(self.OlderWanted())

    def on_mouse_scroll_up(self) -> None:
        """Stop following; Textual then scrolls."""
        if self.ring.shown:
            self.hold()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; twice opens the row."""
        index = round(self.scroll_y) + event.y - 1
        if event.y >= 1 and index < len(self.ring.shown):
            self.move_to(index)
            if event.chain == 2:
                self.post_message(self.Opened())

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or take its mark away."""
        row = self.row
        if row is not None:
            row.marked = not row.marked
            self.refresh()

    def next_mark(self) -> bool:
        """Go to the next marked row, from the top again after the last; False when none is."""
        shown = self.ring.shown
        for step in range(1, len(shown) + 1):
            index = (self.cursor + step) % len(shown)
            if shown[index].marked:
                self.move_to(index)
                return True
        return False
