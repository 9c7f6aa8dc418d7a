"""What stands before everything else: setting the vault up, and unsealing it."""

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Center, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from vault_tui.proofs import slot_secret
from vault_tui.screens.base import Dialog
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import gates as gate_words
from vault_tui.widgets.masked import MaskedInput
from vault_tui.widgets.strength import strength
from vault_tui.widgets.words import safe_lines

BRAND = "◆"


class Gate(Dialog[None]):
    """A full screen with a card in the middle. It leaves when the worker's state allows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("ctrl+q", "app.run('app.quit')", show=False),
    ]
    HEADING = ""
    TEXT = ""

    def __init__(self) -> None:
        super().__init__(classes="gate")
        self._busy = False
        self._gone = False

    def compose(self) -> ComposeResult:
        """Brand, heading, the steps, and the keys."""
        with Center(), Vertical(classes="card"):
            yield Static(
                Content.assemble((f"{BRAND} ", "$accent bold"), (strings.PRODUCT, "bold")),
                classes="brand",
            )
            yield Static(Content.styled(self.HEADING, "bold"), classes="heading")
            yield Static(Content.styled(self.TEXT, "$muted"), classes="text")
            yield OptionList(*self.options(), id="choice", markup=False, compact=True)
            yield MaskedInput("secret")
            yield MaskedInput("again", gate_words.AGAIN)
            yield Static("", id="hint", markup=False)
            yield Static("", id="complaint", markup=False)
            yield Static(Content.styled(gate_words.GATE_KEYS, "$faint"), classes="keys")

    def options(self) -> list[Option]:
        """The ways offered."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Start with the choice."""
        self.show_inputs(secret=False, again=False)
        choice = self.query_one("#choice", OptionList)
        choice.highlighted = next(i for i, o in enumerate(choice.options) if not o.disabled)
        choice.focus()
        self.begin()

    def begin(self) -> None:
        """Where this gate starts, when it is not the choice."""

    def show_inputs(self, *, secret: bool, again: bool) -> None:
        """Which of the inputs this step needs."""
        self.query_one("#choice").display = not secret
        self.query_one("#secret").display = secret
        self.query_one("#again").display = again
        self.query_one("#hint", Static).update("")
        for name in ("#secret", "#again"):
            self.query_one(name, Input).value = ""

    def complain(self, text: str, style: str = "$error") -> None:
        """Say what is wrong."""
        if self.is_mounted:
            self.query_one("#complaint", Static).update(Content.styled(safe_lines(text), style))

    def status_changed(self) -> None:
        """The worker was asked again; this gate is still the right one."""

    def close_gate(self) -> None:
        """The worker's state allows to go on."""
        if not self._gone:
            self._gone = True
            if self.app.screen is self:
                self.dismiss(None)
            else:
                self.remove()

    def action_back(self) -> None:
        """From the secret back to the choice."""
        self.complain("")
        self.show_inputs(secret=False, again=False)
        self.query_one("#choice").focus()

    def go(self, call: Call[wire.Sealed], done: str) -> None:
        """Send it, once at a time."""
        if self._busy:
            return
        self._busy = True
        self.complain(gate_words.WORKING, "$muted")
        self.run_worker(self._send(call, done), exit_on_error=True)

    async def _send(self, call: Call[wire.Sealed], done: str) -> None:
        try:
            answer = await self.console.send(call)
        except VaultError as error:
            self.failed(error)
        else:
            self.console.keep_session(answer.session)
            self.console.notice(done, Level.GOOD)
            await self.console.ask_status()
            self.console.sync.reload("all")
        finally:
            self._busy = False

    def failed(self, error: VaultError) -> None:
        """The worker refused."""
        self.complain(str(error))
        if self.is_mounted and self.query_one("#secret").display:
            self.query_one("#secret", Input).value = ""
            self.query_one("#again", Input).value = ""
            self.query_one("#secret").focus()


class FirstRun(Gate):
    """Choose once how the vault's key is kept."""

    HEADING = gate_words.FIRST_HEADING
    TEXT = gate_words.FIRST_TEXT
    _kind = ""

    def options(self) -> list[Option]:
        """Keyring, password, key file; each with what it means, or why it is none here."""
        status = self.console.state.status
        trouble = {"keyring": status.keyring_problem if status is not None else ""}
        return [
            _first_option(kind, title, text, trouble.get(kind, ""))
            for kind, (title, text) in gate_words.FIRST_CHOICES.items()
        ]

    @on(OptionList.OptionSelected, "#choice")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._kind = event.option_id or ""
        if self._kind == "keyring":
            self.go(calls.init("keyring"), gate_words.SET_UP)
            return
        self.complain("")
        self.show_inputs(secret=True, again=self._kind == "password")
        secret = self.query_one("#secret", Input)
        secret.password = self._kind == "password"
        secret.placeholder = gate_words.FIRST_PLACEHOLDERS[self._kind]
        secret.focus()

    @on(Input.Changed, "#secret")
    def _typed(self, event: Input.Changed) -> None:
        hint = self.query_one("#hint", Static)
        hint.update(strength(event.value) if self._kind == "password" else "")

    @on(Input.Submitted, "#secret")
    def _first(self, event: Input.Submitted) -> None:
        if self._kind == "password":
            self.query_one("#again").focus()
            self.complain(gate_words.ONCE_MORE, "$muted")
        elif not Path(event.value).expanduser().is_absolute():
            self.complain(gate_words.PATH_ABSOLUTE)
        else:
            path = str(Path(event.value).expanduser())
            self.go(calls.init("keyfile", path=path), gate_words.SET_UP)

    @on(Input.Submitted, "#again")
    def _second(self, event: Input.Submitted) -> None:
        secret = self.query_one("#secret", Input).value
        if secret != event.value:
            self.query_one("#again", Input).value = ""
            self.complain(gate_words.DIFFERENT)
        elif not secret:
            self.complain(gate_words.PASSWORD_EMPTY)
        else:
            self.go(calls.init("password", secret), gate_words.SET_UP)

    def failed(self, error: VaultError) -> None:
        """No keyring is the usual case over SSH: go on with the password."""
        super().failed(error)
        if self._kind == "keyring":
            self.complain(gate_words.KEYRING_FAILED.format(why=error))
            self.query_one("#choice", OptionList).highlighted = 1


def _first_option(kind: str, title: str, text: str, trouble: str) -> Option:
    if not trouble:
        words = Content.assemble((f" {title}\n", "bold"), (f"   {text}", "$muted"))
        return Option(words, id=kind)
    why = safe_lines(gate_words.FIRST_NOT_HERE.format(why=trouble))
    words = Content.assemble((f" {title}\n", "$faint"), (f"   {why}", "$muted"))
    return Option(words, id=kind, disabled=True)


class Unseal(Gate):
    """Open the vault with one of its slots."""

    HEADING = gate_words.UNSEAL_HEADING
    TEXT = gate_words.UNSEAL_TEXT
    _kind = "password"

    def options(self) -> list[Option]:
        """The slots that exist."""
        status = self.console.state.status
        kinds = status.slots if status is not None and status.slots else ["password"]
        return [Option(Content(f" {gate_words.SLOT_KINDS[kind]}"), id=kind) for kind in kinds]

    def begin(self) -> None:
        """With a password alone there is nothing to choose."""
        choice = self.query_one("#choice", OptionList)
        if choice.option_count == 1 and choice.get_option_at_index(0).id == "password":
            self._ask("password")

    def _ask(self, kind: str) -> None:
        self._kind = kind
        self.show_inputs(secret=True, again=False)
        secret = self.query_one("#secret", Input)
        secret.password = kind == "password"
        secret.placeholder = gate_words.slot_placeholder(kind, self.console.local)
        secret.focus()

    @on(OptionList.OptionSelected, "#choice")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.complain("")
        if event.option_id == "keyring":
            self._kind = "keyring"
            self.run_worker(self._prove(""), exit_on_error=True)
        else:
            self._ask(event.option_id or "password")

    @on(Input.Submitted, "#secret")
    def _submitted(self, event: Input.Submitted) -> None:
        self.run_worker(self._prove(event.value), exit_on_error=True)

    async def _prove(self, typed: str) -> None:
        try:
            secret = await slot_secret(self._kind, typed, "", local=self.console.local)
        except VaultError as error:
            self.complain(str(error))
        else:
            self.go(calls.unseal(self._kind, secret), gate_words.UNSEALED_NOW)
