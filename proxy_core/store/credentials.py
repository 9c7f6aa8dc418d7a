"""Credentials: names, versions and sealed values. Nothing here can decrypt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlmodel import Session, col, delete, select

from proxy_core.base.errors import VaultError
from proxy_core.store.sources import check_writable
from proxy_core.store.tables import Credential, CredentialVersion
from proxy_core.store.touched import Scope, Touched

TABLE = "credential_version"
COLUMN = "sealed"
"""Table and column for the sealer's additional authenticated data."""


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A sealed value and its place; `row_id` is the row for the authenticated data."""

    vault_id: str
    key: str
    version: int
    row_id: str
    sealed: bytes = field(repr=False)


def version_row_id(credential_id: str, version: int) -> str:
    """Name a version's row in the sealer's additional authenticated data."""
    return f"{credential_id}/{version}"


def list_credentials(session: Session, vault_id: str) -> list[Credential]:
    """All credentials of a vault by key."""
    query = select(Credential).where(Credential.vault_id == vault_id).order_by(Credential.key)
    return list(session.exec(query))


def credential_by_key(session: Session, vault_id: str, key: str) -> Credential:
    """Find a credential. Raises VaultError: not_found."""
    credential = _find(session, vault_id, key)
    if credential is None:
        raise VaultError("not_found", f"No credential {key} in this vault.")
    return credential


def set_credential(
    session: Session,
    vault_id: str,
    key: str,
    seal: Callable[[str], bytes],
    *,
    new_id: str,
    now: float,
    type_: str = "static",
) -> Credential:
    """Add a version, creating the credential (with `new_id`) when it does not exist.

    `seal` gets the row id of the new version and answers the sealed value.
    Raises VaultError: conflict when it exists with another type.
    """
    credential = ensure_typed(session, vault_id, key, type_, new_id=new_id, now=now)
    credential.current_version += 1
    version = credential.current_version
    sealed = seal(version_row_id(credential.id, version))
    session.add(
        CredentialVersion(
            credential_id=credential.id, version=version, sealed=sealed, created_at=now
        )
    )
    session.flush()
    return credential


def ensure_typed(
    session: Session, vault_id: str, key: str, type_: str, *, new_id: str, now: float
) -> Credential:
    """A credential without values of its own, created (with `new_id`) when it does not exist.

    Raises VaultError: conflict when it exists with another type.
    """
    check_writable(session, vault_id)
    credential = _find(session, vault_id, key)
    if credential is None:
        credential = Credential(
            id=new_id,
            vault_id=vault_id,
            key=key,
            type=type_,
            current_version=0,
            created_at=now,
            updated_at=now,
        )
        session.add(credential)
    if credential.type != type_:
        raise VaultError("conflict", f"Credential {key} is of type {credential.type}.")
    credential.updated_at = now
    session.flush()
    return credential


def list_versions(session: Session, vault_id: str, key: str) -> list[CredentialVersion]:
    """All versions, newest first. Raises VaultError: not_found."""
    credential = credential_by_key(session, vault_id, key)
    query = (
        select(CredentialVersion)
        .where(CredentialVersion.credential_id == credential.id)
        .order_by(col(CredentialVersion.version).desc())
    )
    return list(session.exec(query))


def current_values(session: Session, vault_id: str) -> list[SealedValue]:
    """The current value of every credential of a vault, by key."""
    query = (
        select(Credential, CredentialVersion)
        .join(CredentialVersion, col(CredentialVersion.credential_id) == Credential.id)
        .where(Credential.vault_id == vault_id)
        .where(CredentialVersion.version == Credential.current_version)
        .order_by(Credential.key)
    )
    return [_sealed_value(credential, version) for credential, version in session.exec(query)]


def sealed_value(
    session: Session, vault_id: str, key: str, version: int | None = None
) -> SealedValue:
    """One value, the current one unless `version` is given. Raises VaultError: not_found."""
    credential = credential_by_key(session, vault_id, key)
    wanted = credential.current_version if version is None else version
    row = session.get(CredentialVersion, (credential.id, wanted))
    if row is None:
        raise VaultError("not_found", f"Credential {key} has no version {wanted}.")
    return _sealed_value(credential, row)


def delete_credentials(session: Session, vault_id: str, keys: Sequence[str]) -> list[str]:
    """Delete credentials with all versions; answers the keys that existed, in the order given.

    Raises VaultError: external_credential_store.
    """
    if keys:
        check_writable(session, vault_id)
    known = {
        credential.key: credential
        for credential in list_credentials(session, vault_id)
        if credential.key in set(keys)
    }
    deleted = list(dict.fromkeys(key for key in keys if key in known))
    gone = [known[key] for key in deleted]
    session.exec(
        delete(Credential)
        .where(col(Credential.id).in_([credential.id for credential in gone]))
        .execution_options(touches=(Touched(Scope.CREDENTIALS, vault_id),), audits=gone)
    )
    return deleted


def _sealed_value(credential: Credential, version: CredentialVersion) -> SealedValue:
    row_id = version_row_id(credential.id, version.version)
    return SealedValue(credential.vault_id, credential.key, version.version, row_id, version.sealed)


def _find(session: Session, vault_id: str, key: str) -> Credential | None:
    query = select(Credential).where(Credential.vault_id == vault_id, Credential.key == key)
    return session.exec(query).first()
