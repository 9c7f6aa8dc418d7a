"""Credentials of type `oauth`: connected by a person, kept fresh by `services.logins`.

What a provider has issued for a person must not be lost because the person's client has left: once
begun, connecting is carried through.
"""

from dataclasses import replace

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.oauth import (
    AuthMethod,
    OAuthClient,
    TokenSet,
    parse_client,
    pasted_tokens,
)
from proxy_core.services.context import Context
from proxy_core.services.logins import Login, Logins, LoginState, proven
from proxy_core.services.logins.patience import patiently
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Borrowed, VaultEntry
from proxy_core.store import credentials as store
from proxy_core.store import logins as login_store

MAX_SECRET = 64 * 1024


class OAuthCredentials:
    """Every method raises VaultError vault_not_found for an unknown vault."""

    def __init__(self, context: Context, logins: Logins, allow_http_loopback: bool = False) -> None:
        self._context = context
        self._logins = logins
        self._allow_http_loopback = allow_http_loopback

    async def paste(self, request: wire.PasteTokens, by: Principal) -> wire.OAuthConnected:
        """Store tokens that were got elsewhere; a refresh token is proven by using it.

        Nothing is stored on failure. Raises VaultError: bad_request (also when the provider
        refuses the refresh token), conflict, sealed, oauth_refresh_failed.
        """
        entry = self._context.vault(request.vault)
        key = check_credential_key(request.key)
        client = parse_client(_client_document(request), self._allow_http_loopback)
        tokens = pasted_tokens(_token_document(request), self._context.clock.time())
        secret = _secret(request.client_secret)
        self.check_free(entry, key)

        async def steps() -> Login:
            good = await proven(self._logins.source, client, secret, tokens)
            return await self._store(entry, key, client, secret, good, by)

        login = await self._context.carry_through(steps())
        return wire.OAuthConnected(connected=True, connected_at=_time(login.connected_at))

    async def connected(
        self,
        vault: str,
        key: str,
        client: OAuthClient,
        secret: bytes | None,
        tokens: TokenSet,
        by: Principal,
    ) -> Login:
        """Store what a provider has just issued. Raises VaultError: conflict, sealed, …"""
        entry = self._context.vault(vault)
        self.check_free(entry, key)
        return await self._store(entry, key, client, secret, tokens, by)

    def status(self, vault: str, key: str) -> wire.OAuthStatus:
        """How refreshing goes. Raises VaultError: not_found."""
        login = self._login(vault, key)
        return wire.OAuthStatus(
            connected=login.state is LoginState.CONNECTED,
            state=login.state.value,
            refresh_count=login.refresh_count,
            connected_at=_time(login.connected_at),
            expires_at=_time(login.expires_at),
            next_refresh_at=_time(login.next_refresh_at),
            last_refresh_at=_time(login.last_refresh_at),
            last_error=login.last_error,
        )

    async def refresh(self, request: wire.RefreshOAuth, by: Principal) -> wire.OAuthStatus:
        """Refresh now. Raises VaultError: not_found, oauth_not_connected, oauth_refresh_failed,
        sealed.
        """
        login = self._login(request.vault, request.key)
        await self._logins.force(login.id, by)
        return self.status(request.vault, request.key)

    def is_connected(self, entry: VaultEntry, key: str) -> bool:
        """Whether the vault's credential of this key is of this type, and has tokens."""
        borrowed = entry.borrowed.get(key)
        if borrowed is None or borrowed.kind is not BorrowedKind.OAUTH:
            return False
        login = self._logins.of_credential(borrowed.credential_id)
        return login is not None and login.state is LoginState.CONNECTED

    def _login(self, vault: str, key: str) -> Login:
        borrowed = self._context.vault(vault).borrowed.get(key)
        if borrowed is None or borrowed.kind is not BorrowedKind.OAUTH:
            raise VaultError("not_found", f"Vault {vault} has no OAuth credential {key}.")
        login = self._logins.of_credential(borrowed.credential_id)
        if login is None:
            raise VaultError("not_found", f"OAuth credential {key} was deleted.")
        return login

    def check_free(self, entry: VaultEntry, key: str) -> None:
        """A credential keeps its type: what uses it must not change under it.

        Raises VaultError: sealed, conflict.
        """
        if self._context.sealer.sealed:
            raise VaultError("sealed")
        borrowed = entry.borrowed.get(key)
        pooled = borrowed is not None and borrowed.kind is not BorrowedKind.OAUTH
        if key in entry.secrets or pooled:
            raise VaultError(
                "conflict",
                f"Credential {key} is of another type: delete it first, or use a new name.",
            )

    async def _store(
        self,
        entry: VaultEntry,
        key: str,
        client: OAuthClient,
        secret: bytes | None,
        tokens: TokenSet,
        by: Principal,
    ) -> Login:
        now = self._context.clock.time()

        def work(session: Session) -> Login:
            row = store.ensure_typed(session, entry.id, key, "oauth", new_id=new_id(), now=now)
            known = login_store.login_of_credential(session, row.id)
            if known is not None:
                return self._logins.replace_tokens(
                    session, known.id, tokens, client=client, secret=secret
                )
            return self._logins.create(
                session, entry.id, client, secret, tokens, credential_id=row.id
            )

        def then(login: Login) -> None:
            present = self._context.snapshot.by_id[entry.id]
            borrowed = Borrowed(BorrowedKind.OAUTH, login.credential_id)
            changed = replace(present, borrowed={**present.borrowed, key: borrowed})
            self._context.snapshot = self._context.snapshot.with_vault(changed)
            self._logins.put(login)
            self._context.publish(
                EventType.CREDENTIAL_CHANGED,
                by,
                vault=present.name,
                name=key,
                version=login.generation,
                kind="oauth",
            )

        return await patiently(lambda: self._context.change(work, then))


def add_health(info: wire.CredentialInfo, login: Login, now: float) -> None:
    """Add what a list shows of an OAuth credential."""
    info.version = login.generation
    info.state = _health(login, now)
    info.expires_at = _time(login.expires_at)
    info.next_refresh_at = _time(login.next_refresh_at)
    info.last_refresh_at = _time(login.last_refresh_at)
    info.refresh_count = login.refresh_count
    info.last_error = login.last_error


def _health(login: Login, now: float) -> str:
    if login.state is not LoginState.CONNECTED:
        return login.state.value
    if not login.valid(now):
        return "expired"
    return "failing" if login.failures else "ok"


def _client_document(request: wire.PasteTokens) -> dict[str, object]:
    names = ("provider", "token_url", "client_id", "token_auth_method", "token_format")
    given: dict[str, object] = {name: getattr(request, name) for name in names}
    given |= {"scopes": _scopes(request), "scope_separator": request.scope_separator}
    document = {name: value for name, value in given.items() if value}
    if request.client_secret and not (request.provider or request.token_auth_method):
        document["token_auth_method"] = AuthMethod.POST.value
    return document


def _token_document(request: wire.PasteTokens) -> dict[str, object]:
    names = ("access_token", "refresh_token", "expires_in", "expires_at")
    document = {name: getattr(request, name) for name in names}
    return {**document, "scopes": _scopes(request)}


def _scopes(request: wire.PasteTokens) -> list[str]:
    if isinstance(request.scopes, str):
        return request.scopes.split(request.scope_separator or None)
    return request.scopes


def _secret(text: str) -> bytes | None:
    if len(text) > MAX_SECRET or not text.isprintable():
        raise VaultError("bad_request", "client_secret must be one line of visible characters.")
    return text.encode() if text else None


def _time(moment: float | None) -> str:
    return "" if moment is None else rfc3339(moment)
