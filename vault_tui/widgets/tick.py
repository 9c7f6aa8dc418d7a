"""A check box whose state is a glyph, not only a colour."""

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """`[✓]` or `[ ]`."""

    @property
    def _button(self) -> Content:
        style = "$success bold" if self.value else "$muted"
        return Content.styled("[✓]" if self.value else "[ ]", style)
