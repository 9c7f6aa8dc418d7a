"""Two small dialogs: one line of text, and one of a list."""

from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from proxy_core.base.text import display_safe
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.widgets.words import safe_lines

Check = Callable[[str], str | None]


class AskText(Dialog[str]):
    """Returns the text once `check` has nothing to say against it."""

    def __init__(self, title: str, text: str, value: str = "", check: Check | None = None) -> None:
        super().__init__(classes="dialog")
        self._title_text, self._text, self._value, self._check = title, text, value, check

    def compose(self) -> ComposeResult:
        """The question, the line, the complaint."""
        with Vertical(classes="window") as window:
            window.border_title = Content(safe_lines(self._title_text))
            window.border_subtitle = Content(strings.ASK_KEYS)
            yield Static(Content(safe_lines(self._text)), classes="text")
            yield Input(display_safe(self._value), compact=True)
            yield Static("", id="complaint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        wrong = self._check(event.value) if self._check else None
        if wrong:
            self.query_one("#complaint", Static).update(Content.styled(safe_lines(wrong), "$error"))
        else:
            self.dismiss(event.value)


class Choose(Dialog[str]):
    """Returns the id of the chosen entry. `entries` are (id, line), `text` stands above them.

    `deliberate`: none is marked at first, so that Enter alone takes nothing.
    """

    def __init__(
        self,
        title: str,
        entries: list[tuple[str, Content]],
        empty: str,
        *,
        deliberate: bool = False,
        text: str = "",
    ) -> None:
        super().__init__(classes="dialog wide")
        self._title_text, self._text = title, text
        self._entries, self._empty = entries, empty
        self._deliberate = deliberate

    def compose(self) -> ComposeResult:
        """The list, or why it is empty."""
        with Vertical(classes="window") as window:
            window.border_title = Content(safe_lines(self._title_text))
            window.border_subtitle = Content(
                strings.CHOOSE_KEYS if self._entries else strings.CLOSE_KEYS
            )
            if self._text:
                yield Static(Content(safe_lines(self._text)), classes="text")
            if self._entries:
                yield OptionList(*(Option(line) for _, line in self._entries), markup=False)
            else:
                yield Static(Content.styled(self._empty, "$muted"), classes="text")

    def on_mount(self) -> None:
        """Mark nothing where a choice has to be made."""
        if self._deliberate and self._entries:
            self.query_one(OptionList).highlighted = None

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._entries[event.option_index][0])
