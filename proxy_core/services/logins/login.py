"""A login as the worker remembers it: what a request needs without asking the database.

The tokens stay as sealed as they are on disk; only the access token is kept at all.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from proxy_core.domain.oauth import GrantKind, refresh_due_at
from proxy_core.domain.oauth.timing import LONGEST_RETRY_AFTER
from proxy_core.seal import aad
from proxy_core.services.snapshot import SealedSecret
from proxy_core.store import logins as store
from proxy_core.store.tables import OAuthLogin

SHORTEST_LIFE = 1.0
"""Seconds that a token is kept at least: a provider that gives none to live is not asked for more
and more of them."""

_SELF_RENEWING = frozenset((GrantKind.CLIENT_CREDENTIALS, GrantKind.JWT_BEARER))


class LoginState(StrEnum):
    """`pending`: never connected. `reconnect`: refused for good, a person has to connect anew."""

    PENDING = store.PENDING
    CONNECTED = store.CONNECTED
    RECONNECT = store.RECONNECT


@dataclass(frozen=True, slots=True)
class Login:
    """Times are epoch seconds. `due_at`: when to refresh, None for never.

    `key` is the name of its credential, empty for an account's login, which has `account_id` and
    `nickname` instead. `access` bears the generation as its version; it is None while pending.
    `refreshable`: it has what it takes to get new tokens without a person.
    """

    id: str
    vault_id: str
    credential_id: str
    key: str
    account_id: str
    nickname: str
    provider: str
    refreshable: bool
    state: LoginState
    generation: int
    access: SealedSecret | None = field(repr=False)
    expires_at: float | None
    due_at: float | None
    connected_at: float | None
    refresh_count: int
    last_refresh_at: float | None
    retry_at: float | None
    failures: int
    last_error: str

    @property
    def name(self) -> str:
        """The credential's key or the account's nickname."""
        return self.key or self.nickname

    @property
    def next_refresh_at(self) -> float | None:
        """When the next refresh will be tried; None: not by itself."""
        if self.state is not LoginState.CONNECTED or self.due_at is None:
            return None
        return max(self.due_at, self.retry_at or 0.0)

    def backing_off(self, now: float) -> float:
        """Seconds until it may be tried again; 0: now.

        Beyond any wait that is ever set, it was the clock that was put back.
        """
        left = (self.retry_at or 0.0) - now
        return left if 0 < left <= 2 * LONGEST_RETRY_AFTER else 0.0

    def due(self, now: float) -> bool:
        """Whether to refresh now."""
        if self.state is not LoginState.CONNECTED or self.due_at is None:
            return False
        return self.due_at <= now and not self.backing_off(now)

    def valid(self, now: float) -> bool:
        """Whether the access token can be sent, as far as is known."""
        return self.access is not None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class LoginAccess:
    """An access token, decrypted for one request; `sealed` is the same object for the same token.

    `expires_at` in epoch seconds, None: no end is known.
    """

    value: bytes = field(repr=False)
    sealed: SealedSecret = field(repr=False)
    generation: int
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class LoginStatus:
    """What people are shown of a login. Times are epoch seconds; `last_error` is redacted."""

    state: LoginState
    connected_at: float | None
    expires_at: float | None
    next_refresh_at: float | None
    last_refresh_at: float | None
    refresh_count: int
    last_error: str


def status_of(login: Login) -> LoginStatus:
    """What a login's health is."""
    return LoginStatus(
        login.state,
        login.connected_at,
        login.expires_at,
        login.next_refresh_at,
        login.last_refresh_at,
        login.refresh_count,
        login.last_error,
    )


def remembered(named: store.NamedLogin, jitter: float) -> Login:
    """A stored login. `jitter`, from 0 to 1, keeps workers and logins from refreshing at once."""
    row = named.row
    return Login(
        id=row.id,
        vault_id=row.vault_id,
        credential_id=row.credential_id or "",
        key=named.key,
        account_id=named.account_id,
        nickname=named.nickname,
        provider=row.provider,
        refreshable=refreshable(row),
        state=LoginState(row.state),
        generation=row.generation,
        access=_access(row),
        expires_at=row.expires_at,
        due_at=_due_at(row, jitter),
        connected_at=row.connected_at,
        refresh_count=row.refresh_count,
        last_refresh_at=row.last_refresh_at,
        retry_at=row.retry_at,
        failures=row.failures,
        last_error=row.last_error,
    )


def refreshable(row: OAuthLogin) -> bool:
    """Whether new tokens can be had: by a refresh token, or by the client's own secret."""
    return row.sealed_refresh is not None or row.client.get("grant") in _SELF_RENEWING


def token_aad(vault_id: str, login_id: str, generation: int, column: str) -> bytes:
    """The authenticated data of a generation's tokens."""
    row_id = store.token_row_id(login_id, generation)
    return aad(vault_id, store.TABLE, row_id, column)


def client_aad(vault_id: str, login_id: str) -> bytes:
    """The authenticated data of a client's secret."""
    return aad(vault_id, store.TABLE, login_id, store.CLIENT)


def _access(row: OAuthLogin) -> SealedSecret | None:
    if row.sealed_access is None:
        return None
    place = token_aad(row.vault_id, row.id, row.generation, store.ACCESS)
    return SealedSecret(row.sealed_access, place, row.generation)


def _due_at(row: OAuthLogin, jitter: float) -> float | None:
    """Ahead of the end; at the end itself for what can't be refreshed, so that it is told."""
    if row.state != LoginState.CONNECTED or row.expires_at is None:
        return None
    if not refreshable(row):
        return row.expires_at
    due = refresh_due_at(row.obtained_at, row.expires_at, jitter)
    return max(due, row.obtained_at + SHORTEST_LIFE)
