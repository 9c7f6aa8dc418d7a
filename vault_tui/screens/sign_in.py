"""A login under way: its address or code, what the browser showed in the end, and how it goes."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui import clipboard
from vault_tui.screens.base import Dialog
from vault_tui.screens.secret import SecretInput
from vault_tui.state import Level
from vault_tui.strings import oauth as words
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import plain, safe_lines

# Between two questions: the worker waits with its answer by itself.
_PAUSE_SECONDS = 0.2


class SignInDialog(Dialog[wire.OAuthFlow]):
    """Returns the login once it is connected; None when it was given up or has failed.

    What is pasted is masked, and leaves this object when it has been handed on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "copy", show=False, priority=True),
    ]

    def __init__(self, flow: wire.OAuthFlow, what: str) -> None:
        super().__init__(classes="dialog wide")
        self._flow, self._what = flow, what

    # --- widgets ------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """What a person has to do, and how it stands."""
        device, direct = self._flow.kind == "device", self._flow.kind == "direct"
        with Vertical(classes="window") as window:
            title = words.SIGN_IN_TITLE.format(what=self._what)
            window.border_title = Content(safe_lines(title))
            keys = words.DEVICE_KEYS if device else words.SIGN_IN_KEYS
            window.border_subtitle = Content(words.DIRECT_KEYS if direct else keys)
            if not direct:
                yield from self._device() if device else self._browser()
            yield Static("", id="progress", markup=False)
            yield Static("", id="complaint", markup=False)

    def _browser(self) -> Iterable[Widget]:
        yield Static(Content.styled(words.OPEN_URL, "$muted"))
        yield VerticalScroll(
            Static(plain(self._flow.authorization_url, "$accent"), id="address", markup=False),
            classes="value",
            can_focus=False,
        )
        yield Static(Content.styled(words.PASTE_CODE, "$muted"))
        yield SecretInput("code")

    def _device(self) -> Iterable[Widget]:
        yield Static(Content.styled(words.OPEN_URL, "$muted"))
        yield Static(plain(self._flow.verification_uri, "$accent"), id="address", markup=False)
        yield Static(Content.styled(words.TYPE_CODE, "$muted"))
        yield Static(plain(self._flow.user_code, "bold"), id="user-code", markup=False)

    def on_mount(self) -> None:
        """Follow it, and count down."""
        for code in self.query("#code").results(Input):
            code.placeholder = words.CODE_PLACEHOLDER
            code.focus()
        self._show()
        self.set_interval(1.0, self._show)
        self.run_worker(self._follow(), exit_on_error=True, group="follow")

    # --- following ----------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Ask until it has ended; the worker answers when something changes."""
        while not self._flow.ended:
            call = calls.flow(self._flow.id, wait=calls.LONGEST_WAIT)
            try:
                self._took(await self.console.send(call))
            except VaultError as error:
                self._complain(str(error))
                if error.code == "not_found":
                    return
            if not self._flow.ended:
                await asyncio.sleep(_PAUSE_SECONDS)
        self._end()

    def _took(self, flow: wire.OAuthFlow) -> None:
        """How it stands now."""
        self._flow = flow
        self._show()

    def _end(self) -> None:
        if not self.is_attached:
            return
        if self._flow.state == "connected":
            self.dismiss(self._flow)
            return
        why = self._flow.message or self._flow.error or words.NO_REASON
        said = words.ENDED.get(self._flow.state, "{why}").format(why=why)
        self._complain(f"{said}  ({words.CLOSE})")
        for code in self.query("#code").results(Input):
            code.disabled = True

    def _show(self) -> None:
        text = ""
        left = seconds_until(self._flow.expires_at, self.console.clock.time())
        if self._flow.state == "exchanging" or self._flow.kind == "direct":
            text = words.EXCHANGING
        elif not self._flow.ended:
            device = self._flow.kind == "device"
            sentence = words.WAITING_DEVICE if device else words.WAITING
            text = sentence.format(left=countdown(left or 0))
        self._say("#progress", text, "$muted")

    # --- what is done -------------------------------------------------------------------------

    @on(Input.Submitted, "#code")
    def _pasted(self) -> None:
        code = self.query_one("#code", SecretInput)
        pasted = code.secret.strip()
        if not pasted:
            self._complain(words.CODE_EMPTY)
            return
        code.value = ""
        self._complain("")
        self.run_worker(self._complete(pasted), exit_on_error=True)

    async def _complete(self, pasted: str) -> None:
        """How it ends is heard by who follows it."""
        try:
            self._took(await self.console.send(calls.complete_flow(self._flow.id, pasted)))
        except VaultError as error:
            self._complain(str(error))

    async def action_copy(self) -> None:
        """Send the address to the clipboard: it is no secret, but useless to anybody else."""
        flow = self._flow
        address = flow.authorization_url or flow.verification_uri_complete or flow.verification_uri
        if address and await clipboard.copy(address, self.app.copy_to_clipboard):
            self._complain(words.COPIED, "$success")

    def action_close(self) -> None:
        """Give it up, here and at the worker."""
        if not self._flow.ended:
            self.console.attempt(self._cancel(), "cancel login")
        self.dismiss(None)

    async def _cancel(self) -> None:
        await self.console.send(calls.cancel_flow(self._flow.id))
        self.console.notice(words.GAVE_UP, Level.WARNING)

    def _complain(self, text: str, style: str = "$error") -> None:
        self._say("#complaint", text, style)

    def _say(self, where: str, text: str, style: str) -> None:
        # News of the login may come while the dialog is being taken down, line by line.
        for line in self.query(where).results(Static):
            line.update(Content.styled(safe_lines(text), style))
