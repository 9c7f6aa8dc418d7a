"""Vaults: names, policy and what they hold."""

from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import Vault


def list_vaults(session: Session) -> list[Vault]:
    """All vaults by name."""
    return list(session.exec(select(Vault).order_by(Vault.name)))


def vault_by_name(session: Session, name: str) -> Vault:
    """Find a vault. Raises VaultError: vault_not_found."""
    vault = session.exec(select(Vault).where(Vault.name == name)).first()
    if vault is None:
        raise VaultError("vault_not_found", f"There is no vault {name!r}.")
    return vault


def add_vault(session: Session, vault: Vault) -> Vault:
    """Store a new vault. Raises VaultError: conflict."""
    _check_free(session, vault.name)
    session.add(vault)
    session.flush()
    return vault


def rename_vault(session: Session, name: str, new_name: str) -> Vault:
    """Give a vault another name. Raises VaultError: vault_not_found, conflict."""
    vault = vault_by_name(session, name)
    if new_name != name:
        _check_free(session, new_name)
        vault.name = new_name
        session.flush()
    return vault


def set_policy(session: Session, name: str, unmatched_host_policy: str) -> Vault:
    """Change what happens to hosts without a service. Raises VaultError: vault_not_found."""
    vault = vault_by_name(session, name)
    vault.unmatched_host_policy = unmatched_host_policy
    session.flush()
    return vault


def delete_vault(session: Session, name: str) -> Vault:
    """Delete a vault with all it holds; answers what it was. VaultError: vault_not_found."""
    vault = vault_by_name(session, name)
    session.delete(vault)
    session.flush()
    return vault


def _check_free(session: Session, name: str) -> None:
    if session.exec(select(Vault.id).where(Vault.name == name)).first() is not None:
        raise VaultError("conflict", "A vault of this name exists already.")
