"""Typing or pasting a secret: masked, never shown, never kept after it was handed on."""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import check_credential_key
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.widgets.masked import MaskedInput
from vault_tui.widgets.words import safe_lines

_PASTED = "•" * 12


class SecretInput(MaskedInput):
    """A masked line that keeps a pasted secret whole: a key file has several lines."""

    def __init__(self, id: str) -> None:
        super().__init__(id, strings.SECRET_PLACEHOLDER)
        self._pasted = ""

    @property
    def secret(self) -> str:
        """What was pasted or typed."""
        return self._pasted or self.value

    def restore(self, secret: str) -> None:
        """Take back what was handed on before; several lines too."""
        several = "\n" in secret
        self._pasted = secret if several else ""
        self.value = _PASTED if several else secret

    def on_paste(self, event: events.Paste) -> None:
        """Keep several lines; one line is pasted as Textual does."""
        text = event.text.strip("\r\n")
        if "\n" in text or "\r" in text:
            self._pasted = text.replace("\r\n", "\n")
            self.value = _PASTED
            event.stop()
            event.prevent_default()

    def on_unmount(self) -> None:
        """What was pasted goes with what was typed."""
        self._pasted = ""

    @on(Input.Changed)
    def _typed_over(self, event: Input.Changed) -> None:
        if self._pasted and event.value != _PASTED:
            self._pasted = ""


class SecretDialog(Dialog[tuple[str, str]]):
    """Returns (key, value). `key` empty: it is asked for, and must not be one of `taken`."""

    def __init__(self, key: str, taken: set[str]) -> None:
        super().__init__(classes="dialog")
        self._key, self._taken = key, taken

    def compose(self) -> ComposeResult:
        """Key, value, complaint."""
        title = strings.SET_TITLE.format(key=self._key) if self._key else strings.ADD_TITLE
        with Vertical(classes="window") as window:
            window.border_title = Content(title)
            window.border_subtitle = Content(strings.ASK_KEYS)
            text = strings.SET_TEXT if self._key else strings.ADD_TEXT
            yield Static(Content.styled(text, "$muted"), classes="text")
            if not self._key:
                key = Input(placeholder=strings.KEY_PLACEHOLDER, compact=True, id="key")
                yield Horizontal(Label(strings.KEY_LABEL), key, classes="field")
            yield Horizontal(Label(strings.VALUE_LABEL), SecretInput("value"), classes="field")
            yield Static("", id="complaint", markup=False)

    def on_mount(self) -> None:
        """Type at once."""
        self.query(Input).first().focus()

    def _problem(self, key: str) -> str | None:
        try:
            check_credential_key(key)
        except VaultError as error:
            return str(error)
        return strings.KEY_TAKEN.format(key=key) if key in self._taken else None

    @on(Input.Changed, "#key")
    def _key_typed(self, event: Input.Changed) -> None:
        upper = event.value.upper().replace("-", "_").replace(" ", "_")
        if upper != event.value:
            event.input.value = upper
        self._complain((self._problem(upper) or "") if upper else "")

    @on(Input.Submitted, "#key")
    def _key_done(self, event: Input.Submitted) -> None:
        if not self._problem(event.value):
            self.query_one("#value").focus()
            self._complain(strings.NOW_THE_VALUE, "$muted")

    @on(Input.Submitted, "#value")
    def _value_done(self) -> None:
        key = self._key or self.query_one("#key", Input).value
        value = self.query_one("#value", SecretInput).secret
        problem = None if self._key else self._problem(key)
        if problem or not value:
            self._complain(problem or strings.VALUE_EMPTY)
        else:
            self.dismiss((key, value))

    def _complain(self, text: str, style: str = "$error") -> None:
        self.query_one("#complaint", Static).update(Content.styled(safe_lines(text), style))
