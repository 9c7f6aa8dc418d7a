"""From pieces of text in tones to strips: which style a tone has, and few segments for a line."""

from collections.abc import Callable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from vault_tui.widgets.columns import Piece

TONES = (
    "text",
    "muted",
    "faint",
    "primary",
    "success",
    "warning",
    "error",
    "accent",
    "cursor",
    "mark",
    "bold",
)
"""What a style sheet names for a table; `+bold` may follow a tone in a piece."""


class Brush:
    """`style_of` says what the theme makes of a tone; asked once for each until `forget`.

    A line's look is "", "cursor" or "mark", and lies over the tones of its pieces.
    """

    def __init__(self, style_of: Callable[[str], Style]) -> None:
        self._style_of = style_of
        self._styles: dict[tuple[str, str], Style] = {}

    def forget(self) -> None:
        """The theme has changed."""
        self._styles.clear()

    def blank(self, width: int) -> Strip:
        """A line of nothing."""
        return Strip.blank(width, self._style("text", ""))

    def strip(self, pieces: Sequence[Piece], look: str, width: int) -> Strip:
        """Neighbours of one tone become one segment: fewer escapes on the wire."""
        merged: list[list[str]] = []
        for text, tone in pieces:
            if merged and (merged[-1][1] == tone or not text.strip()):
                merged[-1][0] += text
            else:
                merged.append([text, tone])
        segments = [Segment(text, self._style(tone, look)) for text, tone in merged]
        return Strip(segments).adjust_cell_length(width, self._style("text", look))

    def _style(self, tone: str, look: str) -> Style:
        style = self._styles.get((tone, look))
        if style is None:
            name, _, weight = tone.partition("+")
            style = self._style_of(name)
            if weight:
                style += Style(bold=True)
            if look:
                lit = self._style_of(look)
                style += Style(bgcolor=lit.bgcolor, reverse=lit.reverse or None, bold=lit.bold)
            self._styles[(tone, look)] = style
        return style
