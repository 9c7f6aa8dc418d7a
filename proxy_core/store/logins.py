"""OAuth logins: rows, their sealed tokens, and the steps of a refresh. Nothing here can decrypt.

    begin_refresh     the intent, committed before the token endpoint is asked
    store_tokens      the new pair, one generation up; the intent is gone with it
    fail_refresh      why there is none, and when to try again
    end_refresh       refused for good: a person has to connect anew

Each of them compares the generation first: whoever comes with an older one changes nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import Account, Credential, OAuthLogin

TABLE = "oauth_login"
CLIENT, ACCESS, REFRESH = "sealed_client", "sealed_access", "sealed_refresh"
"""Table and columns for the sealer's additional authenticated data."""

PENDING, CONNECTED, RECONNECT = "pending", "connected", "reconnect"
MAX_ERROR = 500


@dataclass(frozen=True, slots=True)
class NamedLogin:
    """A login and whose it is: a credential's (`key`), or an account's (its id and nickname)."""

    row: OAuthLogin
    key: str = ""
    account_id: str = ""
    nickname: str = ""


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """A pair of tokens, sealed for the place that `token_row_id` names."""

    access: bytes = field(repr=False)
    refresh: bytes | None = field(repr=False)
    obtained_at: float
    expires_at: float | None
    scopes: str


def token_row_id(login_id: str, generation: int) -> str:
    """Name a generation's tokens in the sealer's additional authenticated data."""
    return f"{login_id}/{generation}"


def add_login(session: Session, row: OAuthLogin) -> None:
    """Insert a login."""
    session.add(row)
    session.flush()


def login(session: Session, login_id: str) -> OAuthLogin:
    """Find a login. Raises VaultError: not_found."""
    row = session.get(OAuthLogin, login_id)
    if row is None:
        raise VaultError("not_found", "The login was deleted.")
    return row


def named_login(session: Session, login_id: str) -> NamedLogin:
    """Find a login and whose it is. Raises VaultError: not_found."""
    found = _named(session, col(OAuthLogin.id) == login_id)
    if not found:
        raise VaultError("not_found", "The login was deleted.")
    return found[0]


def login_of_credential(session: Session, credential_id: str) -> OAuthLogin | None:
    """The login of a credential of type `oauth`."""
    query = select(OAuthLogin).where(OAuthLogin.credential_id == credential_id)
    return session.exec(query).first()


def list_logins(
    session: Session, ids: Collection[str] | None = None, vault_ids: Collection[str] = ()
) -> list[NamedLogin]:
    """Every login; when ids are given, only those and the ones of these vaults."""
    if ids is None:
        return _named(session)
    return _named(
        session, or_(col(OAuthLogin.id).in_(ids), col(OAuthLogin.vault_id).in_(vault_ids))
    )


def begin_refresh(
    session: Session, login_id: str, generation: int, owner: str, now: float
) -> OAuthLogin:
    """Note that the refresh token of `generation` is about to be used, by `owner`.

    An intent that stands already, of a worker that died, is noted as tried again.
    Raises VaultError: conflict when the generation is another one, not_found.
    """
    row = _at_generation(session, login_id, generation)
    row.intent_retried = row.intent_generation == generation
    row.intent_generation, row.intent_at, row.lease_owner = generation, now, owner
    session.flush()
    return row


def store_tokens(
    session: Session,
    login_id: str,
    generation: int,
    tokens: SealedTokens,
    *,
    refreshed: bool,
) -> OAuthLogin:
    """Keep the pair that follows `generation`; `refreshed` False: a person has connected.

    Raises VaultError: conflict when the generation is another one, not_found.
    """
    row = _at_generation(session, login_id, generation)
    row.sealed_access, row.sealed_refresh = tokens.access, tokens.refresh
    row.generation = generation + 1
    row.obtained_at, row.expires_at, row.scopes = (
        tokens.obtained_at,
        tokens.expires_at,
        tokens.scopes,
    )
    row.state = CONNECTED
    if refreshed:
        row.refresh_count += 1
        row.last_refresh_at = tokens.obtained_at
    if row.connected_at is None or not refreshed:
        row.connected_at = tokens.obtained_at
    _clear_failure(row)
    session.flush()
    return row


def fail_refresh(
    session: Session, login_id: str, generation: int, error: str, retry_at: float
) -> OAuthLogin:
    """Note a failure that may pass; `error` is redacted. Raises VaultError: conflict, not_found."""
    row = _at_generation(session, login_id, generation)
    row.failures += 1
    row.last_error, row.retry_at = error[:MAX_ERROR], retry_at
    _clear_intent(row)
    session.flush()
    return row


def end_refresh(session: Session, login_id: str, generation: int, error: str) -> OAuthLogin:
    """Note that only a person can connect it anew. Raises VaultError: conflict, not_found."""
    row = _at_generation(session, login_id, generation)
    row.failures += 1
    row.state, row.last_error, row.retry_at = RECONNECT, error[:MAX_ERROR], None
    _clear_intent(row)
    session.flush()
    return row


def mark_used(session: Session, generations: Mapping[str, int], why: str) -> int:
    """Mark the logins that have had a later generation of tokens already; answers how many.

    Only a person can connect them anew: a provider takes a used refresh token for a stolen one.
    """
    marked = 0
    for row in session.exec(select(OAuthLogin).where(OAuthLogin.state == CONNECTED)):
        if row.sealed_refresh is not None and generations.get(row.id, 0) > row.generation:
            row.state, row.last_error, row.retry_at = RECONNECT, why[:MAX_ERROR], None
            _clear_intent(row)
            marked += 1
    session.flush()
    return marked


def refreshes_under_way(session: Session) -> list[tuple[str, float]]:
    """Whose refreshes have begun and not ended, and when they began: owner, epoch seconds.

    A worker that died leaves one behind.
    """
    query = select(OAuthLogin.lease_owner, OAuthLogin.intent_at).where(
        col(OAuthLogin.intent_generation) == OAuthLogin.generation
    )
    return [(owner, begun_at or 0.0) for owner, begun_at in session.exec(query)]


def _at_generation(session: Session, login_id: str, generation: int) -> OAuthLogin:
    row = session.get(OAuthLogin, login_id, with_for_update=True)
    if row is None:
        raise VaultError("not_found", "The login was deleted.")
    if row.generation != generation:
        raise VaultError("conflict", "The login has newer tokens already.")
    return row


def _clear_failure(row: OAuthLogin) -> None:
    row.failures, row.last_error, row.retry_at = 0, "", None
    _clear_intent(row)


def _clear_intent(row: OAuthLogin) -> None:
    row.intent_generation, row.intent_at, row.intent_retried = None, None, False


def _named(session: Session, which: ColumnElement[bool] | None = None) -> list[NamedLogin]:
    query = (
        select(OAuthLogin, Credential, Account)
        .join(Credential, col(Credential.id) == OAuthLogin.credential_id, isouter=True)
        .join(Account, col(Account.login_id) == OAuthLogin.id, isouter=True)
        .order_by(col(OAuthLogin.id))
    )
    if which is not None:
        query = query.where(which)
    found = []
    for row, credential, account in session.exec(query):
        key = "" if credential is None else credential.key
        ids = ("", "") if account is None else (account.id, account.nickname)
        found.append(NamedLogin(row, key, *ids))
    return found
