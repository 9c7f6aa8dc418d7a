"""A question before something dangerous: starts on Cancel, and Enter alone never says yes."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.widgets.words import safe_lines


class Confirm(Dialog[bool]):
    """True when confirmed. The dangerous button is reached by Tab or arrow, then pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right,up,down,h,l", "other", show=False),
    ]

    def __init__(self, title: str, text: str, button: str) -> None:
        super().__init__(classes="dialog danger")
        self._title_text, self._text, self._button = title, text, button

    def compose(self) -> ComposeResult:
        """The question, its consequences, Cancel and the deed."""
        with Vertical(classes="window") as window:
            window.border_title = Content(safe_lines(self._title_text))
            window.border_subtitle = Content(strings.CONFIRM_KEYS)
            yield Static(Content(safe_lines(self._text)), classes="text")
            with Horizontal(classes="buttons"):
                yield Button(Content(strings.CANCEL), id="cancel", compact=True)
                yield Button(Content(self._button), id="confirm", variant="error", compact=True)

    def on_mount(self) -> None:
        """Start on Cancel."""
        self.query_one("#cancel").focus()

    def action_other(self) -> None:
        """Move between the two buttons."""
        here = self.focused.id if self.focused is not None else "confirm"
        self.query_one("#cancel" if here == "confirm" else "#confirm").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "confirm")

    def on_key(self, event: events.Key) -> None:
        """`y` is no shortcut here: a stray key must not delete."""
        if event.key == "n":
            self.dismiss(False)
