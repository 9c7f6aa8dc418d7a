"""Credentials that are commands: what is run, and what was approved."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.store.credentials import ensure_typed
from proxy_core.store.tables import CommandCredential

TYPE = "command"
TABLE, APPROVAL = "command_credential", "sealed_approval"
"""Table and column for the sealer's additional authenticated data; the row is `credential_id`."""


def commands_of(session: Session, vault_id: str) -> dict[str, CommandCredential]:
    """A vault's commands by credential id."""
    query = select(CommandCredential).where(CommandCredential.vault_id == vault_id)
    return {row.credential_id: row for row in session.exec(query)}


def set_command(
    session: Session,
    vault_id: str,
    key: str,
    document: Mapping[str, Any],
    *,
    new_id: str,
    now: float,
) -> CommandCredential:
    """Create or replace a command; it is approved by nobody.

    Raises VaultError: conflict when the key has another type.
    """
    credential = ensure_typed(session, vault_id, key, TYPE, new_id=new_id, now=now)
    row = session.get(CommandCredential, credential.id)
    if row is None:
        row = CommandCredential(credential_id=credential.id, vault_id=vault_id, document={})
        session.add(row)
    row.document = dict(document)
    row.executable, row.sealed_approval, row.approved_by, row.approved_at = "", None, "", None
    session.flush()
    return row


def approve_command(
    session: Session,
    credential_id: str,
    document: Mapping[str, Any],
    executable: str,
    sealed: bytes,
    *,
    by: str,
    now: float,
) -> CommandCredential:
    """Keep an approval of `document`. Raises VaultError: not_found, conflict when it is another."""
    row = session.get(CommandCredential, credential_id)
    if row is None:
        raise VaultError("not_found", "The credential was deleted.")
    if row.document != document:
        raise VaultError("conflict", "The command was changed meanwhile: look at it again.")
    row.executable, row.sealed_approval = executable, sealed
    row.approved_by, row.approved_at = by, now
    session.flush()
    return row
