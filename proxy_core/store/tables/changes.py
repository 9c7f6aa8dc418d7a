"""What workers on the same SQLite file tell one another."""

from sqlalchemy import Column, Identity, Text
from sqlmodel import Field, SQLModel

from proxy_core.store.tables.columns import RowNumber


class Change(SQLModel, table=True):
    """What a worker has changed or announced, for others on the same SQLite file: see `changes`.

    Numbers are never used twice. PostgreSQL tells it without a table: there this one stays empty.
    """

    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: int | None = Field(
        default=None, sa_column=Column(RowNumber, Identity(), primary_key=True, nullable=False)
    )
    message: str = Field(sa_type=Text)
