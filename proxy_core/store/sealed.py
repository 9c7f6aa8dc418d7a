"""Every column that the DEK seals, and the place that its ciphertext is bound to.

Rotating the key seals all of them anew, so one that is not here would be lost: a test compares this
table with the schema, another one stores something in each and rotates. Nothing here can decrypt.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import SQLColumnExpression, bindparam, event, inspect, literal, select, update
from sqlmodel import Session, SQLModel, col

from proxy_core.store import (
    commands,
    credentials,
    logins,
    proposals,
    sources,
    tables,
    webhooks,
)
from proxy_core.store.touched import Transaction

CHECK: Final = "sealed.check"
"""In a transaction's `info`: called with each ciphertext that is about to be stored."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext stands: `seal.aad`'s fields. `vault_id` is empty outside vaults."""

    vault_id: str
    table: str
    row_id: str
    column: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """`vault` is the vault's id as a column, of `owner`'s table where the row has none.

    `row_id` names a row in the authenticated data.
    """

    model: type[SQLModel]
    name: str
    row_id: Callable[[Any], str]
    vault: SQLColumnExpression[Any] = field(default_factory=lambda: literal(""))
    owner: type[SQLModel] | None = None

    @property
    def table(self) -> str:
        """The table's name."""
        return str(self.model.__tablename__)


def _tokens(row: Any) -> str:
    return logins.token_row_id(row.id, row.generation)


SEALED: Final = (
    SealedColumn(tables.CertificateAuthority, "sealed", lambda row: str(row.id)),
    SealedColumn(tables.AuditHead, "sealed_key", lambda row: str(row.id)),
    SealedColumn(
        tables.CredentialVersion,
        credentials.COLUMN,
        lambda row: credentials.version_row_id(row.credential_id, row.version),
        col(tables.Credential.vault_id),
        tables.Credential,
    ),
    SealedColumn(
        tables.CommandCredential,
        commands.APPROVAL,
        lambda row: str(row.credential_id),
        col(tables.CommandCredential.vault_id),
    ),
    SealedColumn(
        tables.VaultSource,
        sources.COLUMN,
        lambda row: str(row.vault_id),
        col(tables.VaultSource.vault_id),
    ),
    SealedColumn(
        tables.ProposalValue,
        proposals.COLUMN,
        lambda row: proposals.value_row_id(row.proposal_id, row.key),
        col(tables.ProposalRow.vault_id),
        tables.ProposalRow,
    ),
    SealedColumn(
        tables.OAuthLogin,
        logins.CLIENT,
        lambda row: str(row.id),
        col(tables.OAuthLogin.vault_id),
    ),
    SealedColumn(tables.OAuthLogin, logins.ACCESS, _tokens, col(tables.OAuthLogin.vault_id)),
    SealedColumn(tables.OAuthLogin, logins.REFRESH, _tokens, col(tables.OAuthLogin.vault_id)),
    SealedColumn(
        tables.WebhookRow,
        webhooks.COLUMN,
        webhooks.sealed_row_id,
        col(tables.WebhookRow.vault_id),
    ),
)


def reseal_all(session: Session, reseal: Callable[[Place], bytes | None]) -> int:
    """Replace every ciphertext, in this transaction; answers how many.

    `reseal` answers None for one that is to stay as it is. Nobody else is told: whoever does this
    says so itself.
    """
    return sum(_reseal(session, one, reseal) for one in SEALED)


def _reseal(session: Session, one: SealedColumn, reseal: Callable[[Place], bytes | None]) -> int:
    table = SQLModel.metadata.tables[one.table]
    query = select(table, one.vault.label("place_vault")).where(table.c[one.name].is_not(None))
    if one.owner is not None:
        query = query.join(SQLModel.metadata.tables[str(one.owner.__tablename__)])
    connection = session.connection()
    changes = []
    for row in connection.execute(query).all():
        sealed: bytes = getattr(row, one.name)
        place = Place(row.place_vault or "", one.table, one.row_id(row), one.name, sealed)
        anew = reseal(place)
        if anew is not None:
            keys = {f"of_{key.name}": getattr(row, key.name) for key in table.primary_key}
            changes.append({**keys, "anew": anew})
    if changes:
        same = [key == bindparam(f"of_{key.name}") for key in table.primary_key]
        # Past the session: rows would tell the audit of each as a change of its own.
        connection.execute(
            update(table).where(*same).values({one.name: bindparam("anew")}), changes
        )
    return len(changes)


@event.listens_for(Transaction, "before_flush")
def _check(session: Transaction, *_: object) -> None:
    check: Callable[[bytes], None] | None = session.info.get(CHECK)
    if check is None:
        return
    for row in (*session.new, *session.dirty):
        for name in _BY_MODEL.get(type(row), ()):
            for sealed in inspect(row).attrs[name].history.added:
                if sealed is not None:
                    check(sealed)


_BY_MODEL: Final = {
    model: tuple(one.name for one in SEALED if one.model is model)
    for model in {one.model for one in SEALED}
}
