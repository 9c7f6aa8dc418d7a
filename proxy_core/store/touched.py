"""What a transaction touches, in the few words that other workers need to read it again.

Rows tell it by themselves when they are written (`_BY_ROW`: a table that workers keep in memory
belongs there). A bulk statement passes them by, so it has to say it:
`.execution_options(touches=…)`; one that does not is refused.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import event, inspect
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session, SQLModel

from proxy_core.store import tables

MOST: Final = 64
"""Things that are told one by one; beyond that it is everything."""


class Scope(StrEnum):
    """What there is to read again, and whose id stands with it.

    `vault` is all that a vault holds, `credentials` all but its services, which may be thousands;
    `accounts` is its accounts and pools, `use` their quota alone. A `pool` has its credential's id.
    """

    EVERYTHING = "everything"
    VAULT = "vault"
    CREDENTIALS = "credentials"
    ACCOUNTS = "accounts"
    USE = "use"
    POOL = "pool"
    LOGIN = "login"
    AGENT = "agent"
    SESSION = "session"
    GRANTS = "grants"
    PROPOSALS = "proposals"
    USERS = "users"
    SETTINGS = "settings"
    KEYS = "keys"
    WEBHOOKS = "webhooks"
    ISSUERS = "issuers"


class Touched(NamedTuple):
    """One thing; `id` is empty where there is one of it only."""

    scope: Scope
    id: str = ""

    def __str__(self) -> str:
        return f"{self.scope.value}:{self.id}"


EVERYTHING: Final = Touched(Scope.EVERYTHING)
NOTHING: Final[tuple[Touched, ...]] = ()
"""For bulk statements whose outcome no other worker needs to know."""

_SCOPES: Final = frozenset(Scope)
_BY_ROW: Final[Mapping[type[SQLModel], Callable[[Any], Touched]]] = {
    tables.Vault: lambda row: Touched(Scope.VAULT, row.id),
    tables.Credential: lambda row: Touched(Scope.CREDENTIALS, row.vault_id),
    tables.CommandCredential: lambda row: Touched(Scope.CREDENTIALS, row.vault_id),
    tables.ServiceRow: lambda row: Touched(Scope.VAULT, row.vault_id),
    tables.Account: lambda row: Touched(Scope.ACCOUNTS, row.vault_id),
    tables.Pool: lambda row: Touched(Scope.POOL, row.credential_id),
    tables.PoolMember: lambda row: Touched(Scope.POOL, row.credential_id),
    tables.OAuthLogin: lambda row: Touched(Scope.LOGIN, row.id),
    tables.Agent: lambda row: Touched(Scope.AGENT, row.id),
    tables.AgentGrant: lambda row: Touched(Scope.AGENT, row.agent_id),
    tables.ScopedSession: lambda row: Touched(Scope.SESSION, row.id),
    tables.ApprovalGrant: lambda _: Touched(Scope.GRANTS),
    tables.ProposalRow: lambda _: Touched(Scope.PROPOSALS),
    tables.UserRow: lambda _: Touched(Scope.USERS),
    tables.UserGrant: lambda _: Touched(Scope.USERS),
    tables.UserSessionRow: lambda _: Touched(Scope.USERS),
    tables.Setting: lambda _: Touched(Scope.SETTINGS),
    tables.KeySlot: lambda _: Touched(Scope.KEYS),
    tables.CertificateAuthority: lambda _: Touched(Scope.KEYS),
    tables.WebhookRow: lambda _: Touched(Scope.WEBHOOKS),
    tables.IssuerRow: lambda _: Touched(Scope.ISSUERS),
    tables.DeviceRow: lambda row: Touched(Scope.AGENT, row.agent_id),
    tables.DeviceToken: lambda row: Touched(Scope.AGENT, row.agent_id),
}
"""A credential's versions are not here: a new one changes the credential, and a new key all."""

_UNSHARED: Final[Mapping[type[SQLModel], frozenset[str]]] = {
    tables.Agent: frozenset({"last_seen_at"}),
    tables.ScopedSession: frozenset({"last_used_at"}),
    tables.OAuthLogin: frozenset(
        {"lease_owner", "lease_until", "intent_generation", "intent_at", "intent_retried"}
    ),
}
"""Columns that every worker reads when it needs them, or not at all."""

_USE: Final = frozenset({"quota", "last_used_at", "cooling_until", "cooling_reason"})


class Transaction(Session):
    """A write transaction; `touched` grows as it writes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.touched: set[Touched] = set()


def summary(touched: Iterable[Touched]) -> frozenset[Touched]:
    """What was touched, in few words: everything, when it is much."""
    found = frozenset(touched)
    return frozenset((EVERYTHING,)) if len(found) > MOST or EVERYTHING in found else found


def parse_touched(text: str) -> Touched:
    """The inverse of `str`. What another version means by an unknown word may be anything."""
    scope, _, name = text.partition(":")
    return Touched(Scope(scope), name) if scope in _SCOPES else EVERYTHING


@event.listens_for(Transaction, "before_flush")
def _rows(session: Transaction, *_: object) -> None:
    for row in (*session.new, *session.deleted):
        _note(session, row)
    for row in session.dirty:
        changed = {name for name, state in inspect(row).attrs.items() if state.history.added}
        if isinstance(row, tables.Account) and changed and changed <= _USE:
            session.touched.add(Touched(Scope.USE, row.vault_id))
        elif changed - _UNSHARED.get(type(row), frozenset()):
            _note(session, row)


def _note(session: Transaction, row: Any) -> None:
    tell = _BY_ROW.get(type(row))
    if tell is not None:
        session.touched.add(tell(row))


@event.listens_for(Transaction, "do_orm_execute")
def _bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    if state.bind_mapper is None or state.bind_mapper.class_ not in _BY_ROW:
        return
    touches = state.execution_options.get("touches")
    if touches is None:
        raise TypeError("a bulk statement has to say what it touches")
    session = state.session
    assert isinstance(session, Transaction)
    session.touched.update(touches)
