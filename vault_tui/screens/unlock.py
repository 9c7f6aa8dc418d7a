"""Asking for a proof of who is here: a key slot's, or elsewhere one's own password again."""

from abc import abstractmethod

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Select, Static

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from vault_tui.proofs import slot_secret
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.strings import gates as gate_words
from vault_tui.strings import remote as strings_remote
from vault_tui.widgets.masked import MaskedInput
from vault_tui.widgets.words import safe_lines


class _Asking(Dialog[bool]):
    """True when the worker accepted what was typed; stays open after something wrong."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(classes="dialog")
        self._title_text, self._text = title, text
        self._busy = False

    def compose(self) -> ComposeResult:
        """What it is for, the secret, and what went wrong."""
        with Vertical(classes="window") as window:
            window.border_title = Content(self._title_text)
            window.border_subtitle = Content(strings.PROOF_KEYS)
            yield Static(Content(safe_lines(self._text)), classes="text")
            yield from self.compose_choice()
            yield MaskedInput("secret")
            yield Static("", id="complaint", markup=False)

    def compose_choice(self) -> ComposeResult:
        """What is asked for, where there is a choice."""
        return ()

    @on(Input.Submitted, "#secret")
    def _submitted(self, event: Input.Submitted) -> None:
        if self._busy:
            return
        self._busy = True
        self._say(gate_words.CHECKING, "$muted")
        self.run_worker(self._check(event.value), exit_on_error=True)

    async def _check(self, typed: str) -> None:
        try:
            await self.prove(typed)
        except VaultError as error:
            self.query_one("#secret", Input).value = ""
            self._say(str(error), "$error")
        else:
            self.dismiss(True)
        finally:
            self._busy = False

    @abstractmethod
    async def prove(self, typed: str) -> None:
        """Hand the proof to the worker. Raises VaultError."""

    def _say(self, text: str, style: str) -> None:
        self.query_one("#complaint", Static).update(Content.styled(safe_lines(text), style))


class ProofDialog(_Asking):
    """Asks for what proves one of the key slots."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(title, text)
        self._kind = ""

    def compose_choice(self) -> ComposeResult:
        """Which slot."""
        kinds = self._kinds()
        yield Select(
            [(gate_words.SLOT_KINDS[kind], kind) for kind in kinds],
            value=kinds[0],
            allow_blank=False,
            compact=True,
            id="slot",
        )

    def _kinds(self) -> list[str]:
        status = self.console.state.status
        offered = status.slots if status is not None else []
        order: list[str] = [k for k in ("password", "keyring", "keyfile") if k in offered]
        return order or ["password"]

    def on_mount(self) -> None:
        """Type at once; a single kind of slot needs no choice."""
        self.query_one("#slot").display = len(self._kinds()) > 1
        self._adapt(self._kinds()[0])

    def _adapt(self, kind: str) -> None:
        # Textual tells of the first choice too, when something may have been typed already.
        if kind == self._kind:
            return
        self._kind = kind
        secret = self.query_one("#secret", Input)
        secret.password = kind == "password"
        secret.placeholder = gate_words.slot_placeholder(kind, self.console.local)
        secret.value = ""
        secret.focus()

    @on(Select.Changed, "#slot")
    def _slot_chosen(self, event: Select.Changed) -> None:
        self._adapt(str(event.value))

    async def prove(self, typed: str) -> None:
        """Begin an operator session, which lasts while it is used."""
        kind = str(self.query_one("#slot", Select).value)
        secret = await self._secret(kind, typed)
        session = await self.console.send(calls.unlock(kind, secret))
        self.console.keep_session(session)

    async def _secret(self, kind: str, typed: str) -> str:
        local, slot = self.console.local, ""
        if kind == "keyring" and not local:
            slots = (await self.console.send(calls.slots())).slots
            slot = next((slot.id for slot in slots if slot.kind == "keyring"), "")
        return await slot_secret(kind, typed.strip() if kind == "keyfile" else typed, slot, local)


class PasswordDialog(_Asking):
    """At a worker elsewhere: asks who signed in there for the password once more."""

    def __init__(self, title: str) -> None:
        super().__init__(title, strings_remote.ONCE_MORE)

    def on_mount(self) -> None:
        """Type at once."""
        secret = self.query_one("#secret", Input)
        secret.placeholder = strings_remote.ONCE_MORE_HINT
        secret.focus()

    async def prove(self, typed: str) -> None:
        """For a while the sign-in may do what takes a recent proof."""
        await self.console.send(calls.reauth(typed))
