"""The table of what the DEK seals."""

from sqlalchemy import LargeBinary
from sqlmodel import SQLModel

from proxy_core.store import tables
from proxy_core.store.sealed import SEALED

OTHERS = {
    "key_slot.wrapped_dek",
    "audit.hash",
    "audit.seal",
    "audit_head.hash",
    "audit_head.start_hash",
    "audit_head.start_seal",
    "user_account.password_digest",
}


def test_every_sealed_column_is_known() -> None:
    """Whatever holds bytes is sealed, a token's digest, or one of a few that are told here."""
    assert tables.CertificateAuthority  # the schema is loaded
    held = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and not column.name.endswith("sha256")
    }
    assert held - OTHERS == {f"{one.table}.{one.name}" for one in SEALED}
    assert held >= OTHERS


def test_what_is_called_sealed_is_bytes() -> None:
    """A ciphertext in a text column would be overlooked."""
    called = {
        (table.name, column.name)
        for table in SQLModel.metadata.sorted_tables
        for column in table.columns
        if column.name.startswith("sealed")
    }
    assert called == {(one.table, one.name) for one in SEALED}
