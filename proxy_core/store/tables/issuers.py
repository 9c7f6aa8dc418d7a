"""Trusted issuers."""

from typing import Any

from sqlalchemy import JSON, Column, Double, Text
from sqlmodel import Field, SQLModel


class IssuerRow(SQLModel, table=True):
    """An issuer of JWTs. `rules` are in order; each names its agent or vault by id, and as it was
    called when the rule was made.
    """

    __tablename__ = "issuer"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    url: str = Field(unique=True)
    audiences: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    algorithms: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    jwks_url: str = Field(default="", sa_type=Text)
    rules: list[Any] = Field(sa_column=Column(JSON, nullable=False))
    created_at: float = Field(sa_type=Double)
