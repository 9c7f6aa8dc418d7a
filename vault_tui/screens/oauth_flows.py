"""Connecting an OAuth credential, new or anew."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.content import Content

from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.ask import Choose
from vault_tui.screens.oauth_form import ConnectForm, grant_fields
from vault_tui.screens.sign_in import SignInDialog
from vault_tui.state import Level
from vault_tui.strings import oauth as words

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


async def connect(
    console: "ConsoleApp", key: str = "", proposed: Mapping[str, Any] | None = None
) -> None:
    """The form, then the login; or the tokens that were pasted. `proposed` fills in where."""
    providers = (await console.send(calls.providers())).providers
    taken = {c.key for c in console.state.credentials or () if c.type != "oauth"}
    form = ConnectForm(providers, taken, console.state.vault, key, proposed)
    asked = await console.push_screen_wait(form)
    if isinstance(asked, wire.PasteTokens):
        if await console.send_as_operator(calls.paste_tokens(asked)) is not None:
            _tell(console, asked.key)
    elif asked is not None:
        await _sign_in(console, asked)


async def reconnect(console: "ConsoleApp", key: str) -> None:
    """Sign in again, as the same client at the same provider."""
    entries = [(how, Content(f" {text}")) for how, text in words.RECONNECT_HOWS.items()]
    title = words.RECONNECT_TITLE.format(key=key)
    how = await console.push_screen_wait(Choose(title, entries, ""))
    if how in {"form", "new"}:
        await connect(console, key if how == "form" else "")
    elif how is not None:
        vault = console.state.vault
        await _sign_in(console, wire.ConnectOAuth(key=key, vault=vault, **grant_fields(how)))


async def _sign_in(console: "ConsoleApp", request: wire.ConnectOAuth) -> None:
    flow = await console.send_as_operator(calls.connect_oauth(request))
    if flow is None:
        return
    if await console.push_screen_wait(SignInDialog(flow, request.key)) is not None:
        _tell(console, request.key)


def _tell(console: "ConsoleApp", key: str) -> None:
    console.notice(words.CONNECTED.format(key=key), Level.GOOD)
    console.sync.reload("credentials")
