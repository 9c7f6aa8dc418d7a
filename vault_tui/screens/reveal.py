"""A revealed value: hides itself after 15 seconds; a second key sends it to the clipboard."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from vault_tui import clipboard
from vault_tui.screens.base import Dialog
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.widgets.words import safe_lines

SECONDS = 15


class RevealDialog(Dialog[None]):
    """The value leaves the screen, and this object, with the dialog."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "arm", show=False),
        Binding("Y", "copy", show=False),
        Binding("enter,space,q", "close", show=False),
    ]

    def __init__(self, key: str, value: str) -> None:
        super().__init__(classes="dialog")
        self._key, self._value = key, value
        self._left = SECONDS
        self._armed = False

    def compose(self) -> ComposeResult:
        """The value and the time left."""
        with Vertical(classes="window") as window:
            window.border_title = Content(strings.REVEALED_TITLE.format(key=self._key))
            window.border_subtitle = Content(strings.REVEALED_KEYS)
            with VerticalScroll(classes="value"):
                yield Static(Content.styled(safe_lines(self._value), "bold"), id="value")
            yield Static(self._countdown(), id="left", markup=False)

    def on_mount(self) -> None:
        """Count down."""
        self.set_interval(1, self._tick)

    def _tick(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.dismiss(None)
            return
        self.query_one("#left", Static).update(self._countdown())

    def _countdown(self) -> Content:
        bar = "━" * self._left + "─" * (SECONDS - self._left)
        note = strings.COPY_ARMED if self._armed else strings.HIDES_IN.format(seconds=self._left)
        return Content.assemble(
            (f"{bar} ", "$warning"), (note, "$accent" if self._armed else "$muted")
        )

    def action_arm(self) -> None:
        """The first key only asks for the second."""
        self._armed = True
        self.query_one("#left", Static).update(self._countdown())

    async def action_copy(self) -> None:
        """The second key copies."""
        if not self._armed:
            self.action_arm()
            return
        sent = await clipboard.copy(self._value, self.app.copy_to_clipboard)
        self.app._clipboard = ""  # Textual keeps a copy for its own paste
        self.console.notice(
            strings.COPIED if sent else strings.NOT_COPIED, Level.GOOD if sent else Level.ERROR
        )
        self.dismiss(None)

    def on_unmount(self) -> None:
        """Let the value go."""
        self._value = ""
