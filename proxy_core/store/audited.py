"""What a transaction changes that the audit has to tell of, gathered as the rows are written.

Every table and every column has its place in `AUDITED`, or in `UNAUDITED` for a table that has no
entries of its own; a test holds new ones to it. A bulk statement passes the rows by, so it has to
say what it changes: `.execution_options(audits=…)`; one that does not is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import event, inspect
from sqlalchemy.orm import LoaderCallableStatus, Mapper, ORMExecuteState
from sqlmodel import SQLModel

from proxy_core.store.touched import Transaction

NO_ROWS: Final[tuple[SQLModel, ...]] = ()
"""For bulk statements that are no matter for the audit."""

_GATHERED: Final = "audit.rows"
_UNSET: Final = object()


class Columns(NamedTuple):
    """What becomes of a table's columns.

    `shown`: before and after. `hidden`: only that it was changed. `named`: ids, for which the
    entry says names. `quiet`: a change of these alone is none.
    """

    shown: frozenset[str]
    hidden: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    quiet: frozenset[str] = frozenset()


def _columns(shown: str, *, hidden: str = "", named: str = "id", quiet: str = "") -> Columns:
    return Columns(*(frozenset(names.split()) for names in (shown, hidden, named, quiet)))


AUDITED: Final[Mapping[str, Columns]] = {
    "setting": _columns("name value", named="", quiet="updated_at"),
    "key_slot": _columns("kind label", hidden="params wrapped_dek key_version", quiet="created_at"),
    "certificate_authority": _columns("", hidden="certificate_pem sealed", quiet="created_at"),
    "vault": _columns("name unmatched_host_policy", quiet="created_at"),
    "credential": _columns(
        "key type current_version", named="id vault_id", quiet="created_at updated_at"
    ),
    "command_credential": _columns(
        "document executable approved_by",
        hidden="sealed_approval",
        named="credential_id vault_id",
        quiet="approved_at",
    ),
    "vault_source": _columns(
        "kind shown interval",
        hidden="sealed",
        named="vault_id",
        quiet="created_at next_poll_at last_sync_at last_error failures skipped",
    ),
    "service": _columns("name document", named="vault_id", quiet="position updated_at"),
    "agent": _columns(
        "name role expires_at",
        hidden="token_sha256",
        named="id account_id",
        quiet="created_at last_seen_at minters",
    ),
    "agent_grant": _columns("role services", named="agent_id vault_id"),
    "scoped_session": _columns(
        "label expires_at",
        hidden="token_sha256",
        named="id vault_id account_id",
        quiet="created_by created_at last_used_at run_pid minters",
    ),
    "approval_grant": _columns(
        "actor_name duration service scheme host port method path expires_at",
        hidden="token_sha256",
        named="id vault_id actor_id",
        quiet="created_by created_at",
    ),
    "proposal": _columns(
        "number status review_note",
        hidden="token_sha256 approval_sha256",
        named="id vault_id actor_id",
        quiet="document actor_type actor_name created_at expires_at reviewed_at reviewed_by"
        " minters",
    ),
    "account": _columns(
        "provider email nickname tier priority is_default paused removed_at",
        named="id vault_id login_id",
        quiet="created_at last_used_at cooling_until cooling_reason quota",
    ),
    "pool": _columns("provider strategy settings", named="credential_id"),
    "pool_member": _columns("position", named="credential_id account_id"),
    "oauth_login": _columns(
        "provider client connected_at",
        hidden="sealed_client",
        named="id vault_id credential_id",
        quiet="sealed_access sealed_refresh generation scopes obtained_at expires_at state"
        " refresh_count last_refresh_at retry_at failures last_error intent_generation intent_at"
        " intent_retried lease_owner lease_until",
    ),
    "webhook": _columns(
        "format events shown enabled",
        hidden="version sealed",
        named="id vault_id",
        quiet="former_until created_at last_at last_error failing_since",
    ),
    "issuer": _columns("name url audiences algorithms jwks_url rules", quiet="created_at"),
    "user_account": _columns(
        "email role", hidden="password_kdf password_digest", quiet="created_at"
    ),
    "user_grant": _columns("role", named="user_id vault_id"),
    "user_session": _columns(
        "address label",
        hidden="token_sha256",
        named="id user_id",
        quiet="created_at proved_at last_used_at expires_at",
    ),
    "device": _columns(
        "email client address", named="id agent_id vault_id", quiet="created_by created_at"
    ),
    # They may hold a token in a variable.
    "claude_settings": _columns("", hidden="uuid settings", named="vault_id", quiet="updated_at"),
    "user_invite": _columns(
        "email role expires_at",
        hidden="token_sha256",
        named="id",
        quiet="created_by created_at vaults",
    ),
}

UNAUDITED: Final = frozenset(
    {
        "audit",
        "audit_head",
        "change",
        "credential_version",
        "device_request",
        "device_token",
        "meta",
        "proposal_value",
        "request_log",
        "unmatched_host",
    }
)
"""The audit itself, the log, messages, facts; what strangers ask for, until somebody decides it;
and rows that only come with one that is audited.
"""


@dataclass(slots=True)
class RowChange:
    """One row's way through the transaction. `before` None: it is new; `after` None: it is gone.

    Both hold what is shown and what is named. `secrets` are columns whose values are not here.
    """

    table: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    secrets: set[str] = field(default_factory=set)

    @property
    def row(self) -> Mapping[str, Any]:
        """The row as it is, or was last."""
        return (self.before if self.after is None else self.after) or {}

    @property
    def changed(self) -> set[str]:
        """Columns that differ, of a row that was there and still is."""
        if self.before is None or self.after is None:
            return set()
        return {name for name, value in self.after.items() if value != self.before.get(name)}

    @property
    def happened(self) -> bool:
        """Whether anything of it is left to tell."""
        if self.before is None or self.after is None:
            return self.before is not self.after
        return bool(self.changed or self.secrets)


def row_changes(session: Transaction) -> Iterator[RowChange]:
    """What the transaction has changed so far, row by row in the order of the first touch."""
    return (change for change in _gathered(session).values() if change.happened)


def _gathered(session: Transaction) -> dict[tuple[Any, ...], RowChange]:
    found: dict[tuple[Any, ...], RowChange] = session.info.setdefault(_GATHERED, {})
    return found


@event.listens_for(Transaction, "before_flush")
def _rows(session: Transaction, *_: object) -> None:
    for row in session.new:
        _note(session, row, is_new=True)
    for row in session.dirty:
        _note(session, row)
    for row in session.deleted:
        _note(session, row, is_gone=True)


@event.listens_for(Transaction, "do_orm_execute")
def _bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete) or state.bind_mapper is None:
        return
    if _table(state.bind_mapper) not in AUDITED:
        return
    gone: Iterable[Any] | None = state.execution_options.get("audits")
    if gone is None:
        raise TypeError(
            "a bulk statement has to say what it means for the audit: "
            ".execution_options(audits=the rows that it deletes, or NO_ROWS)"
        )
    session = state.session
    assert isinstance(session, Transaction)
    for row in gone:
        _note(session, row, is_gone=True)


def _note(session: Transaction, row: Any, *, is_new: bool = False, is_gone: bool = False) -> None:
    mapper = inspect(type(row))
    table = _table(mapper)
    columns = AUDITED.get(table)
    if columns is None:
        return
    key = (table, *mapper.primary_key_from_instance(row))
    wanted = columns.shown | columns.named
    change = _gathered(session).get(key)
    # The values that the database holds of what was set since; history would cost far more.
    former = inspect(row).committed_state
    if change is None:
        before = None if is_new else {name: _former(row, former, name) for name in wanted}
        change = _gathered(session)[key] = RowChange(table, before, None)
    change.after = None if is_gone else {name: getattr(row, name) for name in wanted}
    if not (is_new or is_gone):
        change.secrets |= {
            name for name in columns.hidden & former.keys() if former[name] != getattr(row, name)
        }


def _table(mapper: Mapper[Any]) -> str:
    return str(getattr(mapper.local_table, "name", ""))


def _former(row: Any, former: Mapping[str, Any], name: str) -> Any:
    value = former.get(name, _UNSET)
    if value is _UNSET:
        return getattr(row, name)
    return None if value is LoaderCallableStatus.NO_VALUE else value
