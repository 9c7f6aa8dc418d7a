"""Names, where the rows have ids: an entry must still be read when what it names is gone."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel, col

from proxy_core.store.audited import AUDITED, RowChange, row_changes
from proxy_core.store.tables import Account
from proxy_core.store.touched import Transaction

_Row = Mapping[str, Any]


class Names:
    """Finds the names of what a transaction is about; those of deleted rows in the rows."""

    def __init__(self, session: Transaction) -> None:
        self._session = session

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

    def vault_id(self, change: RowChange) -> str:
        """The vault that the change was in; empty: none."""
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
