"""Adding an account, and signing in to one anew."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Select

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.screens.ask import Choose
from vault_tui.screens.form import FormDialog
from vault_tui.screens.sign_in import SignInDialog
from vault_tui.state import Level
from vault_tui.strings import accounts as words
from vault_tui.strings import oauth as strings_oauth

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

DEFAULT_PROVIDER = "anthropic"
_JOIN = {"": None, "yes": True, "no": False}
_SIGN_IN_HOWS = ("sign-in", "device")


@dataclass(frozen=True, slots=True, repr=False)
class NewAccount:
    """What the form says. `how` is sign-in, device or paste; the secret is in no repr."""

    provider: str
    how: str
    nickname: str
    join: bool | None
    client_id: str
    client_secret: str


class AddAccountForm(FormDialog[NewAccount]):
    """Which provider, how, and whether it joins the pool."""

    def __init__(self, providers: Iterable[wire.OAuthProvider]) -> None:
        super().__init__(words.ADD_TITLE, words.ADD_KEYS)
        self._providers = {one.id: one for one in providers}

    def fields(self) -> Iterable[Widget]:
        """The usual provider first."""
        names = {one.id: one.name for one in self._providers.values()}
        first = DEFAULT_PROVIDER if DEFAULT_PROVIDER in names else next(iter(names))
        yield self.choice("provider", words.ADD_PROVIDER, names, first)
        yield self.choice("how", words.ADD_HOW, words.ADD_HOWS, "sign-in")
        yield self.line("nickname", words.ADD_NICKNAME, words.ADD_NICKNAME_HINT)
        yield self.choice("join", words.ADD_POOL, words.ADD_JOINS, "")
        yield self.line("client-id", strings_oauth.CLIENT_ID)
        yield self.secret("client-secret", strings_oauth.CLIENT_SECRET)

    @on(Select.Changed)
    def _adapt(self) -> None:
        """Only what the provider needs is asked for."""
        found = self._providers[self.value("provider")]
        self.reveal_lines({"client-id": found.needs_client, "client-secret": found.needs_secret})
        self.complain(found.obtain, "$muted")

    def read(self) -> NewAccount:
        """Raises VaultError bad_request."""
        found = self._providers[self.value("provider")]
        if found.needs_client and not self.value("client-id"):
            raise VaultError("bad_request", strings_oauth.NEEDS_CLIENT)
        return NewAccount(
            provider=found.id,
            how=self.value("how"),
            nickname=self.value("nickname"),
            join=_JOIN[self.value("join")],
            client_id=self.value("client-id"),
            client_secret=self.value("client-secret"),
        )


class PasteAccountForm(FormDialog[tuple[str, dict[str, Any]]]):
    """The account's e-mail, where the tokens do not tell it, and its tokens: masked."""

    def __init__(self) -> None:
        super().__init__(words.PASTE_TITLE, words.ADD_KEYS, words.PASTE_TEXT)

    def fields(self) -> Iterable[Widget]:
        """The tokens first."""
        yield self.secret("tokens", words.PASTE_TOKENS)
        yield self.line("email", words.PASTE_EMAIL, words.PASTE_EMAIL_HINT)

    def read(self) -> tuple[str, dict[str, Any]]:
        """Raises VaultError bad_request, which shows nothing of what was pasted."""
        try:
            document = json.loads(self.value("tokens"))
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise VaultError("bad_request", words.PASTE_WRONG)
        return self.value("email"), document


async def add_account(console: "ConsoleApp") -> None:
    """Ask how, then sign in or paste."""
    providers = (await console.send(calls.providers())).providers
    asked = await console.push_screen_wait(AddAccountForm(providers))
    if asked is None:
        return
    if asked.how == "paste":
        await _paste(console, asked)
        return
    request = wire.ConnectAccount(
        provider=asked.provider,
        vault=console.state.vault,
        nickname=asked.nickname,
        join=asked.join,
        client_id=asked.client_id,
        client_secret=asked.client_secret,
        **_grant(asked.how),
    )
    await _sign_in(console, request, asked.nickname or asked.provider)


async def connect_account(console: "ConsoleApp", account: wire.AccountInfo) -> None:
    """Sign in to an account that is there."""
    name = account.nickname or account.email
    entries = [(how, Content(f" {words.ADD_HOWS[how]}")) for how in _SIGN_IN_HOWS]
    title = strings_oauth.RECONNECT_TITLE.format(key=name)
    how = await console.push_screen_wait(Choose(title, entries, ""))
    if how is None:
        return
    request = wire.ConnectAccount(account=account.id, vault=console.state.vault, **_grant(how))
    await _sign_in(console, request, name)


def _grant(how: str) -> Mapping[str, Any]:
    return {"grant": "device_code"} if how == "device" else {"headless": True}


async def _sign_in(console: "ConsoleApp", request: wire.ConnectAccount, what: str) -> None:
    flow = await console.send_as_operator(calls.connect_account(request))
    if flow is None:
        return
    ended = await console.push_screen_wait(SignInDialog(flow, what))
    if ended is not None and ended.account is not None:
        _tell(console, ended.account)


async def _paste(console: "ConsoleApp", asked: NewAccount) -> None:
    pasted = await console.push_screen_wait(PasteAccountForm())
    if pasted is None:
        return
    email, tokens = pasted
    account = wire.AddAccount(
        provider=asked.provider,
        tokens=tokens,
        vault=console.state.vault,
        nickname=asked.nickname,
        email=email,
        client_id=asked.client_id,
        client_secret=asked.client_secret,
        join=asked.join,
    )
    added = await console.send_as_operator(calls.add_account(account))
    if added is not None:
        _tell(console, added)


def _tell(console: "ConsoleApp", added: wire.AccountAdded) -> None:
    name = added.account.nickname or added.account.email
    sentence = strings_oauth.ACCOUNT_CONNECTED if added.reconnected else words.ADDED_NOTICE
    text = sentence.format(name=name)
    if added.pool:
        text += words.ADDED_POOL.format(pool=added.pool)
    elif added.suggested:
        text += words.ADDED_ALONE.format(pool=added.suggested)
    console.notice(text, Level.GOOD)
    console.sync.reload("accounts")
    console.sync.reload("credentials")
