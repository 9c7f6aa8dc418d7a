"""A list of cards of several lines each; what ticks is drawn again without a new layout."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

Draw = Callable[[str, int, bool], Content]
"""Key, width in cells and whether the cursor is on it, to a card."""


class CardList(OptionList, can_focus=True):
    """`show` brings the list to the given keys; the cursor stays on its key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", show=False),
        Binding("k", "cursor_up", show=False),
        Binding("g", "first", show=False),
        Binding("G", "last", show=False),
    ]

    def __init__(self, id: str, draw: Draw) -> None:
        super().__init__(id=id, markup=False)
        self._draw = draw
        self._keys: list[str] = []

    @property
    def key(self) -> str | None:
        """The key of the card under the cursor."""
        here = self.highlighted
        return self._keys[here] if here is not None and here < len(self._keys) else None

    def show(self, keys: Sequence[str]) -> None:
        """Draw the cards of `keys`, in this order."""
        if list(keys) == self._keys:
            self.redraw()
            return
        here, line = self.key, self.highlighted or 0
        self._keys = list(keys)
        cursor = self._keys.index(here) if here in self._keys else min(line, len(keys) - 1)
        self.set_options([Option(self._card(n, n == cursor)) for n in range(len(keys))])
        self.highlighted = cursor if keys else None

    def redraw(self) -> None:
        """Draw again what has changed."""
        for number, option in enumerate(self.options):
            drawn = self._card(number, number == self.highlighted)
            if drawn != option.prompt:
                self.replace_option_prompt_at_index(number, drawn)

    def select(self, key: str) -> None:
        """Put the cursor on `key`, if it is there."""
        if key in self._keys:
            self.highlighted = self._keys.index(key)

    def _card(self, number: int, pointed: bool) -> Content:
        width = max(self.scrollable_content_region.width, 20)
        return self._draw(self._keys[number], width, pointed)
