"""The filter line: checked while it is typed, the error under its column, with a history."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from proxy_core.domain.filters import Filter, FilterError, parse_filter
from vault_tui.strings import traffic as strings_traffic
from vault_tui.widgets.quoting import hang

_ROOMY = 112


class FilterBar(Vertical):
    """Shown on demand; posts Applied for each text that parses, Closed when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "abandon", show=False, priority=True),
        Binding("up", "older", show=False, priority=True),
        Binding("down", "newer", show=False, priority=True),
    ]

    class Applied(Message):
        """`filter` None: everything passes."""

        def __init__(self, text: str, filter: Filter | None) -> None:
            super().__init__()
            self.text, self.filter = text, filter

    class Closed(Message):
        """The line was left; `kept` with Enter."""

        def __init__(self, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def __init__(self, history: list[str]) -> None:
        super().__init__(id="filter-bar")
        self._history = history
        self._place: int | None = None
        self._before = ""

    def compose(self) -> ComposeResult:
        """The line and the complaint."""
        yield Input(placeholder=strings_traffic.FILTER_PLACEHOLDER, compact=True, id="filter")
        yield Static(id="filter-note", markup=False)

    def open(self, text: str, history: list[str]) -> None:
        """Show the line with `text` in it."""
        self._history, self._place, self._before = history, None, text
        self.display = True
        self._help()
        line = self.query_one(Input)
        line.value = text
        line.cursor_position = len(text)
        line.focus()

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        try:
            found = parse_filter(event.value)
        except FilterError as error:
            self._complain(error)
            return
        self._help()
        self.post_message(self.Applied(event.value, found if event.value.strip() else None))

    def _help(self) -> None:
        """What can be typed, as much of it as fits."""
        wide = self.app.size.width >= _ROOMY
        text = strings_traffic.FILTER_HELP if wide else strings_traffic.FILTER_SHORT
        self.query_one("#filter-note", Static).update(Content.styled(f" {text}", "$faint"))

    def _complain(self, error: FilterError) -> None:
        """Point at the column; where there is no room beside the mark, speak below it."""
        room = self.query_one("#filter-note").size.width
        # The line begins one cell in; a long text has scrolled under the mark.
        column = min(error.column + 1, max(room - 2, 0))
        mark = Content.styled(f"{' ' * column}▲ ", "$error bold")
        said = hang(mark, error.message, max(room, 0), "$error")
        if len(said) > 1:
            said = [mark, *hang(Content(" "), error.message, room, "$error")]
        self.query_one("#filter-note", Static).update(Content("\n").join(said))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            parse_filter(event.value)
        except FilterError as error:
            self._complain(error)
            return
        self.display = False
        self.post_message(self.Closed(kept=True))

    def action_abandon(self) -> None:
        """Back to the filter as it was."""
        self.query_one(Input).value = self._before
        self.display = False
        self.post_message(self.Closed(kept=False))

    def action_older(self) -> None:
        """The filter used before."""
        self._recall(-1)

    def action_newer(self) -> None:
        """The filter used after."""
        self._recall(1)

    def _recall(self, step: int) -> None:
        if not self._history:
            return
        place = len(self._history) if self._place is None else self._place
        self._place = min(max(place + step, 0), len(self._history) - 1)
        line = self.query_one(Input)
        line.value = self._history[self._place]
        line.cursor_position = len(line.value)
