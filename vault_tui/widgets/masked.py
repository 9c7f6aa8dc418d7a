"""A line for a secret."""

from textual.widgets import Input


class MaskedInput(Input):
    """Shows dots, and holds what was typed no longer than its dialog is open."""

    def __init__(self, id: str, placeholder: str = "") -> None:
        super().__init__(password=True, compact=True, id=id, placeholder=placeholder)

    def on_unmount(self) -> None:
        """Whatever still refers to a closed dialog, and to its widgets, gets no secret by it."""
        self.set_reactive(Input.value, "")
