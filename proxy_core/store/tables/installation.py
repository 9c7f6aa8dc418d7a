"""What there is once: key slots, the certificate authority, settings and facts."""

from typing import Any

from sqlalchemy import JSON, Column, Double, Text
from sqlmodel import Field, SQLModel


class Meta(SQLModel, table=True):
    """Facts of the installation: that it is set up, the DEK's encryption count."""

    name: str = Field(primary_key=True)
    value: str


class Setting(SQLModel, table=True):
    """A setting that differs from its default; `value` is JSON."""

    name: str = Field(primary_key=True)
    value: Any = Field(sa_column=Column(JSON, nullable=False))
    updated_at: float = Field(sa_type=Double)


class KeySlot(SQLModel, table=True):
    """A wrapped DEK: `seal.SlotRecord`, field by field."""

    __tablename__ = "key_slot"

    id: str = Field(primary_key=True)
    kind: str
    label: str
    params: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    wrapped_dek: bytes
    key_version: int
    created_at: float = Field(sa_type=Double)


class CertificateAuthority(SQLModel, table=True):
    """The local CA: its certificate and its sealed private key."""

    __tablename__ = "certificate_authority"

    id: str = Field(primary_key=True)
    certificate_pem: str = Field(sa_type=Text)
    sealed: bytes
    created_at: float = Field(sa_type=Double)
