"""Alembic's entry: migrates over the connection, and in the transaction, that the store gives."""

from alembic import context
from sqlmodel import SQLModel

from proxy_core.store import tables  # noqa: F401 - fills the metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
