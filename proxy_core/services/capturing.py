"""Login capture: what agents log in to through the proxy becomes an account of the vault.

The vault carries the login out in the agent's place, keeps the tokens, and gives the agent texts
that stand for them. What comes back with such a text is answered here and goes nowhere.

    authorization_code    exchanged; a new account, or the one of that e-mail connected anew
    refresh_token, real   the same: the agent had logged in before
    refresh_token, ours   the same stand-ins again; the real token is refreshed if that is due
    anything else         refused: its answer would put a real token into the agent's hands
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.providers import CLAUDE, Provider, provider
from proxy_core.domain.exchange import Access, ActorType, Decision
from proxy_core.domain.oauth import OAuthClient, TokenError, TokenSet, client_document, parse_client
from proxy_core.domain.oauth.capture import (
    UNKNOWN_LIFE,
    Captured,
    LoginAnswer,
    LoginRefused,
    LoginRequest,
    captured_reply,
    life,
    login_client,
    login_fields,
    preset_of,
    repeated_reply,
)
from proxy_core.domain.oauth.replies import token_bytes
from proxy_core.domain.oauth.stand_ins import is_stand_in, login_of
from proxy_core.oauth.endpoint import TokenEndpoint
from proxy_core.services.accounts.adding import NewAccount
from proxy_core.services.accounts.service import Accounts
from proxy_core.services.context import Context
from proxy_core.services.logins import Logins
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.store import logins as store
from proxy_core.store.tables import OAuthLogin

MAX_ACCOUNTS = 100
"""Of one provider in one vault: an agent that logs in again and again comes to an end."""
REMEMBERED_SECONDS = 600.0
MAX_REMEMBERED = 256
_KINDS = {
    ActorType.AGENT: PrincipalKind.AGENT,
    ActorType.SESSION: PrincipalKind.SESSION,
    ActorType.USER: PrincipalKind.OPERATOR,
}


class Capturing:
    """`endpoint` reaches providers. `allow_http_loopback`: also those of this machine, by http."""

    def __init__(
        self,
        context: Context,
        logins: Logins,
        accounts: Accounts,
        endpoint: Callable[[], TokenEndpoint],
        allow_http_loopback: bool,
    ) -> None:
        self._context = context
        self._logins = logins
        self._accounts = accounts
        self._endpoint = endpoint
        self._allow_http_loopback = allow_http_loopback
        self._under_way: dict[bytes, asyncio.Future[LoginAnswer]] = {}
        self._done: OrderedDict[bytes, tuple[float, LoginAnswer]] = OrderedDict()

    async def answer(
        self, access: Access, decision: Decision, request: LoginRequest
    ) -> LoginAnswer | None:
        """What the agent is told; None: a request that concerns no token of ours.

        Raises VaultError: sealed, vault_not_found.
        """
        if self._context.sealer.sealed:
            raise VaultError("sealed")
        try:
            fields = login_fields(request)
            if request.kind is Captured.REVOCATION:
                return LoginAnswer(200, {}) if is_stand_in(fields.get("token", "")) else None
            given = fields.get("refresh_token", "")
            if fields.get("grant_type") == "refresh_token" and is_stand_in(given):
                return await self._repeat(decision, given, fields.get("scope", ""))
            return await self._once(access, decision, request, fields)
        except LoginRefused as refused:
            return refused.answer

    # --- with stand-ins --------------------------------------------------------------------------

    async def _repeat(self, decision: Decision, stand_in: str, scope: str) -> LoginAnswer:
        """Whatever the login's state, its stand-ins stay good: what is wrong with it is said, with
        the remedy, where they are used, and an agent that is refused here forgets its login.
        """
        login_id = login_of(stand_in)
        if not login_id:
            return repeated_reply(stand_in, UNKNOWN_LIFE, scope)
        row = await self._stored(login_id)
        if row.vault_id != self._context.vault(decision.vault).id:
            raise _unknown()
        expires_at = row.expires_at
        with suppress(VaultError):
            expires_at = (await self._logins.access(login_id)).expires_at
        seconds = life(expires_at, self._context.clock.time())
        return repeated_reply(stand_in, seconds, row.scopes or scope)

    async def _stored(self, login_id: str) -> OAuthLogin:
        """A login as it is stored: another worker may have captured it a moment ago.

        Raises LoginRefused when there is none, VaultError when nobody knows.
        """
        try:
            return await self._context.database.read(lambda session: store.login(session, login_id))
        except VaultError as error:
            if error.code != "not_found":
                raise
            raise _unknown() from None

    # --- with real codes and tokens --------------------------------------------------------------

    async def _once(
        self, access: Access, decision: Decision, request: LoginRequest, fields: Mapping[str, str]
    ) -> LoginAnswer:
        """A code or refresh token is used once, however often it is sent.

        Some clients ask twice at once, and a provider ends a login whose token came twice.
        """
        key = _key(decision, request, fields)
        known = self._done.get(key)
        now = self._context.clock.monotonic()
        if known is not None and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        running = self._under_way.get(key)
        if running is None:
            steps = self._carry_out(access, decision, request, fields)
            running = asyncio.ensure_future(self._context.carry_through(steps))
            self._under_way[key] = running
            running.add_done_callback(lambda done: self._ended(key, done))
        return await asyncio.shield(running)

    def _ended(self, key: bytes, done: "asyncio.Future[LoginAnswer]") -> None:
        del self._under_way[key]
        if done.cancelled() or done.exception() is not None:
            return
        self._done[key] = (self._context.clock.monotonic(), done.result())
        while len(self._done) > MAX_REMEMBERED:
            self._done.popitem(last=False)

    async def _carry_out(
        self, access: Access, decision: Decision, request: LoginRequest, fields: Mapping[str, str]
    ) -> LoginAnswer:
        client = self._checked(login_client(request, fields))
        known = _provider(request, decision)
        self._check_room(decision.vault, known)
        secret = fields.get("client_secret", "").encode() or None
        try:
            tokens = await self._tokens(client, secret, fields)
        except TokenError as error:
            status = 400 if error.final else 503
            raise LoginRefused(error.code, error.detail, status) from None
        tokens = replace(tokens, scopes=tokens.scopes or client.scopes)
        new = _new_account(known, client, secret, tokens)
        by = Principal(_KINDS[access.actor_type], access.actor_id, access.actor_name)
        added = await self._accounts.adding.add(decision.vault, known, new, None, by)
        account = self._accounts.state.roster.accounts[added.account.id]
        return captured_reply(account.login_id, tokens, self._context.clock.time())

    def _checked(self, client: OAuthClient) -> OAuthClient:
        """A client that can be stored, and read again for the next refresh."""
        try:
            return parse_client(client_document(client), self._allow_http_loopback)
        except VaultError as error:
            raise LoginRefused("invalid_request", error.detail) from None

    def _check_room(self, vault: str, known: Provider) -> None:
        present = self._accounts.state.roster.present(self._context.vault(vault).id, known.id)
        if len(present) >= MAX_ACCOUNTS:
            what = f"The vault has {len(present)} accounts of {known.id}: an operator removes some."
            raise LoginRefused("temporarily_unavailable", what, 503)

    async def _tokens(
        self, client: OAuthClient, secret: bytes | None, fields: Mapping[str, str]
    ) -> TokenSet:
        grant, endpoint = fields.get("grant_type", ""), self._endpoint()
        if grant == "refresh_token":
            refresh_token = token_bytes(fields.get("refresh_token"))
            if refresh_token is None:
                raise LoginRefused("invalid_request", "There is no usable refresh token.")
            return await endpoint.refresh(client, secret, refresh_token)
        if grant != "authorization_code" or not fields.get("code"):
            what = "Logins are captured here: only a code or a refresh token can be exchanged."
            raise LoginRefused("unsupported_grant_type", what)
        return await endpoint.exchange_code(
            client,
            secret,
            code=fields["code"],
            redirect_uri=fields.get("redirect_uri", ""),
            verifier=fields.get("code_verifier", ""),
            state=fields.get("state", ""),
        )


def _provider(request: LoginRequest, decision: Decision) -> Provider:
    """Whose account it becomes: the endpoint's preset, else what the service is called."""
    known = preset_of(request.url)
    if known is not None:
        return provider(known.id)
    return provider(decision.service.name if decision.service else "")


def _unknown() -> LoginRefused:
    return LoginRefused("invalid_grant", "The vault has no such login: log in again.")


def _new_account(
    known: Provider, client: OAuthClient, secret: bytes | None, tokens: TokenSet
) -> NewAccount:
    """An agent must not take over the account of somebody whose e-mail it can merely claim: that
    counts only where the provider has made sure of it; elsewhere its own id for the person does.
    """
    if known is not CLAUDE:
        tokens = replace(tokens, subject=replace(tokens.subject, email=""))
    email = tokens.subject.email or tokens.subject.account_id
    return NewAccount(client, tokens, email, secret=secret)


def _key(decision: Decision, request: LoginRequest, fields: Mapping[str, str]) -> bytes:
    used = fields.get("code", "") or fields.get("refresh_token", "")
    parts = (decision.vault, request.url, fields.get("grant_type", ""), used)
    return hashlib.sha256("\0".join(parts).encode()).digest()
