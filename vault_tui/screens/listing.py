"""What the screens with a short list share: the table, its empty state, and a detail beside it."""

from collections.abc import Iterable

from textual import on
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from vault_tui.screens.base import ConsoleScreen
from vault_tui.state import ConsoleState, Link
from vault_tui.strings import common as strings
from vault_tui.widgets.fitted import FittedText
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.words import lines_content

Shape = list[tuple[str, str, int]]

# Requests change hits and last uses without an event for each: the list is read again while some
# flow and somebody looks.
FRESH_SECONDS = 1.5


def empty_note(state: ConsoleState, known: bool, empty: strings.Lines) -> Content:
    """What stands in place of a list without entries; `empty` says what to do next."""
    if state.sealed:
        return lines_content(strings.EMPTY_SEALED)
    if known:
        return lines_content(empty)
    lost = state.link is Link.LOST
    return lines_content(strings.EMPTY_LOST if lost else strings.EMPTY_LOADING)


class ListScreen(ConsoleScreen):
    """Subclasses say which rows there are, in which columns, and describe one of them."""

    empty: strings.Lines = ()
    _finished = 0
    enter_action = ""

    def body(self) -> Iterable[Widget]:
        """Table and detail, or the empty state."""
        with Container(id="split", classes="detailed"):
            yield KeyedTable(f"{self.screen_id}-table")
            with VerticalScroll(id="detail", can_focus=True):
                yield FittedText("detail-text")
        yield Static(id="empty", markup=False)

    @property
    def table(self) -> KeyedTable:
        """The list."""
        return self.query_one(KeyedTable)

    def on_mount(self) -> None:
        """Fill what is known."""
        self.table.focus()
        self.show()
        self.set_interval(FRESH_SECONDS, self._freshen)

    def _freshen(self) -> None:
        """Read the list again when requests have ended since the last time."""
        finished = self.console.traffic.finished_count
        seen = self.is_current and self.state.link is Link.LIVE and not self.state.sealed
        if seen and finished != self._finished:
            self._finished = finished
            self.console.sync.reload(self.screen_id)

    def on_resize(self) -> None:
        """Another width has other columns."""
        self.call_after_refresh(self.show)

    def data_changed(self, kind: str) -> None:
        """The list was read afresh."""
        if kind in {self.screen_id, "vault"}:
            self.show()

    def state_changed(self) -> None:
        """The frame, and what an empty list says."""
        super().state_changed()
        if self.is_mounted and not self.rows():
            self._show_empty(True)

    def on_screen_resume(self) -> None:
        """Ages have moved on, and requests have ended while nobody looked."""
        self.call_after_refresh(self.show)
        self._freshen()

    # --- subclasses ---------------------------------------------------------------------------

    @property
    def known(self) -> bool:
        """Whether the list was read at all."""
        raise NotImplementedError

    def shape(self, width: int) -> Shape:
        """(id, title, width) of the columns that fit."""
        raise NotImplementedError

    def rows(self) -> dict[str, dict[str, Content]]:
        """Cells by row key and column id."""
        raise NotImplementedError

    def describe(self, key: str) -> Content:
        """The detail of a row."""
        raise NotImplementedError

    # --- drawing ------------------------------------------------------------------------------

    def show(self) -> None:
        """Bring the table to the present list."""
        if not self.is_mounted or not self.size.width:
            return
        shape, rows = self.shape(self._table_width()), self.rows()
        self._show_empty(not rows)
        self.table.show(
            shape, {key: [cells[column] for column, _, _ in shape] for key, cells in rows.items()}
        )
        self.query_one("#detail-text", Static).update(self._detail())
        self.show_keys()

    @property
    def detail_width(self) -> int:
        """Cells of a line of the detail; 0 before the first layout."""
        return self.query_one("#detail-text").size.width

    def _table_width(self) -> int:
        return self.size.width - (54 if self.size.width >= 140 else 0)

    def _detail(self) -> Content:
        key = self.table.key
        return Content("") if key is None else self.describe(key)

    def _show_empty(self, empty: bool) -> None:
        self.query_one("#split").display = not empty
        if not empty and self.focused is None:  # what is hidden has lost the keys
            self.table.focus()
        note = self.query_one("#empty", Static)
        note.display = empty
        note.update(empty_note(self.state, self.known, self.empty))

    @on(FittedText.Refit)
    def _refit(self) -> None:
        """Wrap the detail anew: its layout may come after its text."""
        self.query_one(FittedText).update(self._detail())

    @on(KeyedTable.Chosen)
    @on(DataTable.RowHighlighted)
    def _moved(self) -> None:
        self.query_one("#detail-text", Static).update(self._detail())
        self.show_keys()

    @on(DataTable.RowSelected)
    def _entered(self) -> None:
        self.console.action_run(self.enter_action)
