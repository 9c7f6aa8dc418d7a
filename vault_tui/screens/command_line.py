"""The `:` line: an action, a screen or a vault by name, with completion."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from vault_tui.actions import actions_of, by_command
from vault_tui.registry import SCREENS
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings


class CommandLine(Dialog[str]):
    """Returns the id of the action to run."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", show=False, priority=True)]

    def __init__(self) -> None:
        super().__init__(classes="bottom")

    def compose(self) -> ComposeResult:
        """One line at the bottom, and what is wrong with it."""
        with Vertical(classes="line"):
            yield Static("", id="complaint")
            yield Input(
                placeholder=strings.COMMAND_PLACEHOLDER,
                compact=True,
                suggester=SuggestFromList(self._words(), case_sensitive=False),
            )

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()

    @property
    def _here(self) -> str:
        screen = self.console.console_screen
        return screen.screen_id if screen else ""

    def _words(self) -> list[str]:
        names = [entry.id for entry in SCREENS]
        names += [a.name.replace("_", "-") for a in actions_of(self._here, "app")]
        return names + [f"vault {v.name}" for v in self.console.state.vaults]

    @on(Input.Submitted)
    def _run(self, event: Input.Submitted) -> None:
        words = event.value.split()
        if not words:
            self.dismiss(None)
        elif words[0] == "vault" and len(words) == 2:
            self._vault(words[1])
        elif any(entry.id == words[0] for entry in SCREENS):
            self.dismiss(f"screen.{words[0]}")
        elif (action := by_command(words[0], (self._here, "app"))) is not None:
            self.dismiss(action.id)
        else:
            self._complain(strings.COMMAND_UNKNOWN.format(name=words[0]))

    def _vault(self, name: str) -> None:
        if any(vault.name == name for vault in self.console.state.vaults):
            self.console.switch_vault(name)
            self.dismiss(None)
        else:
            self._complain(strings.VAULT_UNKNOWN.format(name=name))

    def _complain(self, text: str) -> None:
        self.query_one("#complaint", Static).update(Content.styled(text, "$error"))

    def action_complete(self) -> None:
        """Take the suggestion."""
        self.query_one(Input).action_cursor_right()

    def on_key(self, event: events.Key) -> None:
        """Backspace on an empty line leaves it."""
        if event.key == "backspace" and not self.query_one(Input).value:
            self.dismiss(None)
