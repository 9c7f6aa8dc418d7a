"""A text whose lines are wrapped for its width."""

from textual import events
from textual.message import Message
from textual.widgets import Static


class FittedText(Static):
    """Tells when its width has changed: whoever wrapped the text wraps it anew."""

    class Refit(Message):
        """The width is another."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._width = 0

    @property
    def columns(self) -> int:
        """Cells of a line; a guess before the first layout."""
        return self.size.width or 60

    def on_resize(self, event: events.Resize) -> None:
        """Height follows from the text, and asks for nothing."""
        if event.size.width != self._width:
            self._width = event.size.width
            self.post_message(self.Refit())
