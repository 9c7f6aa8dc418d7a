"""What there is once: key slots, the certificate authority, settings and facts."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session, col, func, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import CertificateAuthority, KeySlot, Meta, Setting

_ENCRYPTIONS = "encryptions"


def list_slots(session: Session) -> list[KeySlot]:
    """All key slots, oldest first."""
    return list(session.exec(select(KeySlot).order_by(col(KeySlot.created_at), col(KeySlot.id))))


def live_key_version(session: Session) -> int | None:
    """The version of the DEK that the slots wrap; None before the vault is set up.

    It stays that until the transaction ends: whoever rotates the key waits.
    """
    query = select(KeySlot.key_version).with_for_update(read=True)
    return session.exec(query).first()


def hold_slots(session: Session) -> list[KeySlot]:
    """All key slots, oldest first; until the transaction ends, no other worker changes anything."""
    session.exec(select(KeySlot.id).with_for_update()).all()
    return list_slots(session)  # one that came while we waited is seen by a statement of its own


def save_slot(session: Session, slot: KeySlot) -> None:
    """Add a key slot, or replace the one of the same id."""
    session.merge(slot)
    session.flush()


def key_slot(session: Session, slot_id: str) -> KeySlot:
    """Find a key slot. Raises VaultError: not_found."""
    slot = session.get(KeySlot, slot_id)
    if slot is None:
        raise VaultError("not_found", "No such key slot.")
    return slot


def remove_slot(session: Session, slot_id: str) -> None:
    """Delete a key slot. Raises VaultError: not_found; conflict for the last one."""
    slot = key_slot(session, slot_id)
    if session.exec(select(func.count()).select_from(KeySlot)).one() == 1:
        raise VaultError("conflict", "The last key slot can't be removed: nothing would open it.")
    session.delete(slot)
    session.flush()


def current_authority(session: Session) -> CertificateAuthority | None:
    """The newest certificate authority."""
    query = select(CertificateAuthority).order_by(col(CertificateAuthority.created_at).desc())
    return session.exec(query).first()


def save_authority(session: Session, authority: CertificateAuthority) -> None:
    """Add a certificate authority, or replace the one of the same id."""
    session.merge(authority)
    session.flush()


def all_settings(session: Session) -> dict[str, Any]:
    """Settings that differ from their defaults."""
    return {setting.name: setting.value for setting in session.exec(select(Setting))}


def save_settings(session: Session, changes: Mapping[str, Any], now: float) -> None:
    """Store settings by name; the value None takes a setting back to its default."""
    for name, value in changes.items():
        if value is not None:
            session.merge(Setting(name=name, value=value, updated_at=now))
        elif (stored := session.get(Setting, name)) is not None:
            session.delete(stored)
    session.flush()


def encryptions(session: Session) -> int:
    """How often the DEK was used."""
    return int(get_fact(session, _ENCRYPTIONS) or 0)


def set_encryptions(session: Session, count: int) -> None:
    """Store how often the DEK was used."""
    set_fact(session, _ENCRYPTIONS, str(count))


def get_fact(session: Session, name: str) -> str | None:
    """A fact of the installation, or None."""
    row = session.get(Meta, name)
    return None if row is None else row.value


def set_fact(session: Session, name: str, value: str) -> None:
    """Store a fact of the installation."""
    session.merge(Meta(name=name, value=value))
    session.flush()
