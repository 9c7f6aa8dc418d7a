"""From changed rows to deeds: one table's way of being told of, each in a few lines.

Names stand where the rows have ids: an entry must still be read when what it names is gone.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import SQLModel, col

from proxy_core.domain.audit import Deed
from proxy_core.store.audited import AUDITED, RowChange, row_changes
from proxy_core.store.tables import Account
from proxy_core.store.touched import Transaction

CHANGED: Final = "changed"
"""Stands for a secret's new value."""

_Row = Mapping[str, Any]


def deeds(session: Transaction) -> Iterator[Deed]:
    """What the transaction has done so far, in the order in which it was begun."""
    names = Names(session)
    for change in list(row_changes(session)):
        yield names.deed(change)


class Names:
    """Finds the names of what a transaction is about; those of deleted rows in the rows."""

    def __init__(self, session: Transaction) -> None:
        self._session = session

    def deed(self, change: RowChange) -> Deed:
        """One row's change in words."""
        verb, target = _WORDS[change.table](self, change)
        vault_id = self._vault_id(change)
        before, after = _shown(change)
        return Deed(verb, target, vault_id, self.vault(vault_id), before, after)

    def vault(self, vault_id: str) -> str:
        """A vault's name."""
        return str(self._of("vault", vault_id).get("name", ""))

    def agent(self, agent_id: str) -> str:
        """An agent's name."""
        return str(self._of("agent", agent_id).get("name", ""))

    def user(self, user_id: str) -> str:
        """A user's login name."""
        return str(self._of("user_account", user_id).get("email", ""))

    def credential(self, credential_id: str | None) -> _Row:
        """A credential's row."""
        return self._of("credential", credential_id)

    def key(self, credential_id: str | None) -> str:
        """A credential's key."""
        return str(self.credential(credential_id).get("key", ""))

    def account(self, account_id: str) -> str:
        """An account's nickname."""
        return str(self._of("account", account_id).get("nickname", ""))

    def login(self, row: _Row) -> str:
        """Whose login it is: a credential's key, or an account's nickname."""
        if row["credential_id"]:
            return self.key(row["credential_id"])
        query = select(col(Account.nickname)).where(col(Account.login_id) == row["id"])
        return str(self._session.execute(query).scalar() or "")

    def _vault_id(self, change: RowChange) -> str:
        row = change.row
        if change.table == "vault":
            return str(row["id"])
        if change.table in {"pool", "pool_member"}:
            return str(self.credential(row["credential_id"]).get("vault_id", ""))
        return str(row.get("vault_id") or "")

    def _of(self, table: str, key: str | None) -> _Row:
        """The row as it is, or as it was when this transaction deleted it."""
        if not key:
            return {}
        gone = self._gone.get((table, key))
        if gone is not None:
            return gone
        columns = SQLModel.metadata.tables[table].c
        wanted = [columns[name] for name in sorted(AUDITED[table].shown | AUDITED[table].named)]
        found = self._session.execute(select(*wanted).where(columns["id"] == key)).mappings()
        return dict(found.first() or {})

    @cached_property
    def _gone(self) -> dict[tuple[str, str], _Row]:
        changes = row_changes(self._session)
        return {
            (one.table, one.row["id"]): one.row
            for one in changes
            if one.after is None and "id" in one.row
        }


def _shown(change: RowChange) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after: all of a row that came or went, and only what differs of one that stayed.

    Of a document, its fields count one by one.
    """
    shown = AUDITED[change.table].shown
    before = {name: value for name, value in (change.before or {}).items() if name in shown}
    after = {name: value for name, value in (change.after or {}).items() if name in shown}
    before, after = _flat(before), _flat(after)
    if change.before is not None and change.after is not None:
        same = {name for name in before.keys() & after.keys() if before[name] == after[name]}
        before = {name: value for name, value in before.items() if name not in same}
        after = {name: value for name, value in after.items() if name not in same}
        if change.table == "pool_member" or not change.changed & shown:
            after |= _renamed(change)
    after |= dict.fromkeys(change.secrets, CHANGED)
    if change.table == "credential" and "current_version" in after:
        after["value"] = CHANGED
    return _told(before), _told(after)


def _renamed(change: RowChange) -> dict[str, str]:
    """Ids say nothing to people, so only that another was chosen."""
    named = change.changed & AUDITED[change.table].named
    return {name.removesuffix("_id"): CHANGED for name in named}


def _flat(values: _Row) -> dict[str, Any]:
    document = values.get("document")
    if not isinstance(document, Mapping):
        return dict(values)
    rest = {name: value for name, value in values.items() if name != "document"}
    return {**rest, **document}


def _told(values: _Row) -> dict[str, Any]:
    """Without what says nothing."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


# --- words ---------------------------------------------------------------------------------------

_Word = Callable[[Names, RowChange], tuple[str, str]]
"""The action and the name of what it was done to."""


def _plain(subject: str, name: str) -> _Word:
    """Created, updated or deleted."""

    def word(_: Names, change: RowChange) -> tuple[str, str]:
        return f"{subject}.{_verb(change)}", str(change.row[name])

    return word


def _verb(change: RowChange, came: str = "created", went: str = "deleted") -> str:
    if change.before is None:
        return came
    return went if change.after is None else "updated"


def _setting(_: Names, change: RowChange) -> tuple[str, str]:
    return "settings.changed", str(change.row["name"])


def _vault(_: Names, change: RowChange) -> tuple[str, str]:
    verb = "renamed" if "name" in change.changed else _verb(change)
    return f"vault.{verb}", str(change.row["name"])


def _credential(_: Names, change: RowChange) -> tuple[str, str]:
    verb = "deleted" if change.after is None else "set"
    return f"credential.{verb}", str(change.row["key"])


def _command(names: Names, change: RowChange) -> tuple[str, str]:
    """Setting a command takes an approval away, so that one that came was given."""
    verb = "command_approved" if change.row["approved_by"] else _verb(change, "command_set")
    if verb == "updated":
        verb = "command_set"
    return f"credential.{verb}", names.key(change.row["credential_id"])


def _source(names: Names, change: RowChange) -> tuple[str, str]:
    return f"vault.{_verb(change, 'source_set', 'source_removed')}", names.vault(
        change.row["vault_id"]
    )


def _agent(_: Names, change: RowChange) -> tuple[str, str]:
    verb = "renamed" if "name" in change.changed else _verb(change)
    if "token_sha256" in change.secrets:
        verb = "rotated"
    return f"agent.{verb}", str(change.row["name"])


def _agent_grant(names: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "granted", "revoked")
    action = "grant_changed" if verb == "updated" else verb
    return f"agent.{action}", names.agent(change.row["agent_id"])


def _user(_: Names, change: RowChange) -> tuple[str, str]:
    password = change.secrets & {"password_digest"}
    return f"user.{'password_changed' if password else _verb(change)}", str(change.row["email"])


def _user_grant(names: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "granted", "revoked")
    action = "grant_changed" if verb == "updated" else verb
    return f"user.{action}", names.user(change.row["user_id"])


def _user_session(names: Names, change: RowChange) -> tuple[str, str]:
    return f"user.{_verb(change, 'login', 'logout')}", names.user(change.row["user_id"])


def _session(_: Names, change: RowChange) -> tuple[str, str]:
    return f"session.{_verb(change, went='revoked')}", str(change.row["label"])


def _approval(_: Names, change: RowChange) -> tuple[str, str]:
    return f"grant.{_verb(change, went='revoked')}", str(change.row["actor_name"])


def _proposal(_: Names, change: RowChange) -> tuple[str, str]:
    verb = change.row["status"] if "status" in change.changed else _verb(change)
    return f"proposal.{'approved' if verb == 'applied' else verb}", f"#{change.row['number']}"


def _account(_: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "added", "purged")
    if "removed_at" in change.changed:
        verb = "removed" if change.row["removed_at"] is not None else "restored"
    return f"account.{verb}", str(change.row["nickname"] or change.row["email"])


def _pool(names: Names, change: RowChange) -> tuple[str, str]:
    return f"pool.{_verb(change)}", names.key(change.row["credential_id"])


def _pool_member(names: Names, change: RowChange) -> tuple[str, str]:
    pool = names.key(change.row["credential_id"])
    verb = _verb(change, "account_added", "account_removed")
    action = "account_moved" if verb == "updated" else verb
    return f"pool.{action}", f"{pool}: {names.account(change.row['account_id'])}"


def _login(names: Names, change: RowChange) -> tuple[str, str]:
    verb = "connected" if "connected_at" in change.changed else _verb(change)
    return f"login.{verb}", names.login(change.row)


def _slot(_: Names, change: RowChange) -> tuple[str, str]:
    verb = _verb(change, "added", "removed")
    if verb == "updated":  # around another key, or opened by another password
        verb = "rewrapped" if "key_version" in change.secrets else "changed"
    return f"key_slot.{verb}", str(change.row["label"])


def _authority(_: Names, change: RowChange) -> tuple[str, str]:
    return f"ca.{_verb(change)}", ""


def _device(names: Names, change: RowChange) -> tuple[str, str]:
    return f"device.{_verb(change, 'approved', 'ended')}", names.agent(change.row["agent_id"])


def _claude_settings(names: Names, change: RowChange) -> tuple[str, str]:
    return f"claude_settings.{_verb(change)}", names.vault(change.row["vault_id"])


_WORDS: Final[Mapping[str, _Word]] = {
    "setting": _setting,
    "key_slot": _slot,
    "certificate_authority": _authority,
    "vault": _vault,
    "credential": _credential,
    "command_credential": _command,
    "vault_source": _source,
    "service": _plain("service", "name"),
    "agent": _agent,
    "agent_grant": _agent_grant,
    "scoped_session": _session,
    "approval_grant": _approval,
    "proposal": _proposal,
    "account": _account,
    "pool": _pool,
    "pool_member": _pool_member,
    "oauth_login": _login,
    "user_account": _user,
    "user_grant": _user_grant,
    "user_session": _user_session,
    "webhook": _plain("webhook", "shown"),
    "issuer": _plain("issuer", "name"),
    "device": _device,
    "claude_settings": _claude_settings,
    "user_invite": _plain("user_invite", "email"),
}
