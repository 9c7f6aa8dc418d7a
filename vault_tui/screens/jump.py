"""Jump mode: a letter over each widget that can be focused; the letter focuses it."""

from string import ascii_lowercase

from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Label

Targets = list[tuple[str, Widget]]


def targets_of(screen: Screen[object]) -> Targets:
    """Letters for the focusable widgets of `screen` that can be seen."""
    seen = [widget for widget in screen.focus_chain if widget.region.area]
    return list(zip(ascii_lowercase, seen, strict=False))


class JumpScreen(ModalScreen[None]):
    """Any other key leaves."""

    def __init__(self, targets: Targets) -> None:
        super().__init__(classes="jump")
        self.targets = targets

    def compose(self) -> ComposeResult:
        """A label over each target's corner."""
        for letter, widget in self.targets:
            label = Label(f" {letter} ", classes="jump-label", markup=False)
            label.absolute_offset = Offset(widget.region.x, widget.region.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Focus the chosen widget."""
        event.stop()
        self.dismiss(None)
        for letter, widget in self.targets:
            if event.key == letter:
                self.app.call_later(widget.focus)
