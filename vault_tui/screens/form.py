"""What short forms share: labelled lines, a complaint, and how they are handed in."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from vault_tui.screens.base import Dialog
from vault_tui.screens.secret import SecretInput
from vault_tui.widgets.words import safe_lines

T = TypeVar("T")


class FormDialog(Dialog[T]):
    """Subclasses yield `fields` and `read` them; Enter in a line or ctrl+s hands the form in."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "submit", show=False, priority=True)]

    def __init__(self, title: str, keys: str, note: str = "") -> None:
        super().__init__(classes="dialog form")
        self._title_text, self._keys, self._note = title, keys, note

    def fields(self) -> Iterable[Widget]:
        """The lines, from top to bottom."""
        raise NotImplementedError

    def read(self) -> T:
        """What the form says. Raises VaultError: what is wrong, in words."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Note, lines, complaint."""
        with Vertical(classes="window") as window:
            window.border_title = Content(safe_lines(self._title_text))
            window.border_subtitle = Content(self._keys)
            with VerticalScroll(classes="fields", can_focus=False):
                if self._note:
                    note = Content.styled(safe_lines(self._note), "$muted")
                    yield Static(note, classes="text")
                yield from self.fields()
            yield Static("", id="complaint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        for first in self.query("Input, Select"):
            if first.parent is not None and first.parent.display:
                first.focus()
                return

    # --- lines --------------------------------------------------------------------------------

    def line(self, id: str, label: str, hint: str = "", value: str = "") -> Widget:
        """A line to type in."""
        typed = Input(display_safe(value), placeholder=hint, compact=True, id=id)
        return _labelled(id, label, typed)

    def secret(self, id: str, label: str) -> Widget:
        """A masked line; several pasted lines stay whole."""
        return _labelled(id, label, SecretInput(id))

    def choice(self, id: str, label: str, options: Mapping[str, str], value: str) -> Widget:
        """One of `options`, value to text."""
        entries = [(Content(display_safe(text)), key) for key, text in options.items()]
        chosen = Select(entries, value=value, allow_blank=False, compact=True, id=id)
        return _labelled(id, label, chosen)

    def heading(self, text: str) -> Widget:
        """A title within the form."""
        return Static(Content.styled(text, "$accent bold"), classes="form-heading")

    def value(self, id: str) -> str:
        """What stands in a line, or was chosen; of a masked line the secret."""
        found = self.query_one(f"#{id}")
        if isinstance(found, SecretInput):
            return found.secret
        if isinstance(found, Select):
            return str(found.value)
        return found.value.strip() if isinstance(found, Input) else ""

    def reveal_lines(self, shown: Mapping[str, bool]) -> None:
        """Show or hide lines by id."""
        for id, wanted in shown.items():
            self.query_one(f"#field-{id}").display = wanted

    # --- handing in ---------------------------------------------------------------------------

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Hand the form in, or say what is wrong."""
        try:
            result = self.read()
        except VaultError as error:
            self.complain(str(error))
        else:
            self.dismiss(result)

    def complain(self, text: str, style: str = "$error") -> None:
        """Say something below the lines."""
        self.query_one("#complaint", Static).update(Content.styled(safe_lines(text), style))


def _labelled(id: str, label: str, widget: Widget) -> Widget:
    return Horizontal(Label(label, markup=False), widget, classes="field", id=f"field-{id}")
