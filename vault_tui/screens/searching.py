"""A dialog with a list that is searched while typing."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from vault_tui.screens.base import Dialog


class SearchDialog(Dialog[str]):
    """Returns the id of the option that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False, priority=True),
        Binding("up", "step(-1)", show=False, priority=True),
    ]
    HEADING: ClassVar[str]
    KEYS: ClassVar[str]
    PLACEHOLDER: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(classes="dialog tall")

    def compose(self) -> ComposeResult:
        """Search line, list, and what stands below."""
        with Vertical(classes="window") as window:
            window.border_title = Content(self.HEADING)
            window.border_subtitle = Content(self.KEYS)
            yield Input(placeholder=self.PLACEHOLDER, compact=True, id="search")
            yield OptionList(id="found", markup=False)
            yield from self.below()

    def below(self) -> ComposeResult:
        """What stands below the list."""
        raise NotImplementedError

    def options(self, words: Sequence[str]) -> Iterable[Option]:
        """What is found by all the words, which are in lower case; without words: everything."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Show everything."""
        self._show("")
        self.query_one("#search").focus()

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, wanted: str) -> None:
        found = self.query_one("#found", OptionList)
        found.clear_options()
        found.add_options(self.options(wanted.lower().split()))
        found.action_first()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    @on(Input.Submitted)
    def _run(self) -> None:
        self.query_one("#found", OptionList).action_select()

    def action_step(self, by: int) -> None:
        """Move in the list while typing goes on."""
        found = self.query_one("#found", OptionList)
        found.action_cursor_down() if by > 0 else found.action_cursor_up()


def has_all(text: str, words: Sequence[str]) -> bool:
    """Whether every word, in lower case, is somewhere in the text."""
    return all(word in text.lower() for word in words)
