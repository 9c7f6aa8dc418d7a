"""Devices that are signed in at the gateway, their tokens, and the settings they are given."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlmodel import Session, col, delete, func, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import ClaudeSettings, DeviceRow, DeviceToken
from proxy_core.store.touched import NOTHING

ACCESS: Final = "access"
REFRESH: Final = "refresh"


def list_devices(session: Session) -> list[DeviceRow]:
    """All devices, newest first."""
    return list(session.exec(select(DeviceRow).order_by(col(DeviceRow.created_at).desc())))


def add_device(session: Session, device: DeviceRow) -> DeviceRow:
    """Store a new device."""
    session.add(device)
    session.flush()
    return device


def delete_device(session: Session, device_id: str) -> tuple[DeviceRow, list[bytes]]:
    """End a device; answers what it was and its access tokens' hashes.

    Raises VaultError: not_found.
    """
    device = session.get(DeviceRow, device_id, with_for_update=True)
    if device is None:
        raise VaultError("not_found", "No such device.")
    tokens = [token.sha256 for token in tokens_of(session, device_id) if token.kind == ACCESS]
    session.delete(device)
    session.flush()
    return device, tokens


def tokens_of(session: Session, device_id: str) -> list[DeviceToken]:
    """All tokens of a device that are kept."""
    return list(session.exec(select(DeviceToken).where(DeviceToken.device_id == device_id)))


def count_live(session: Session, device_id: str, now: float) -> int:
    """How many access tokens of a device are good."""
    query = select(func.count()).where(
        DeviceToken.device_id == device_id,
        DeviceToken.kind == ACCESS,
        DeviceToken.expires_at > now,
    )
    return session.exec(query.select_from(DeviceToken)).one()


def find_token(session: Session, sha256: bytes) -> DeviceToken | None:
    """A token by its hash; no other transaction changes its device meanwhile."""
    token = session.get(DeviceToken, sha256)
    if token is None:
        return None
    if session.get(DeviceRow, token.device_id, with_for_update=True) is None:
        return None
    session.refresh(token)
    return token


def add_tokens(session: Session, tokens: Sequence[DeviceToken], now: float) -> None:
    """Store tokens of a device; those of it that have expired go."""
    for old in tokens_of(session, tokens[0].device_id):
        if old.expires_at <= now:
            session.delete(old)
    session.add_all(tokens)
    session.flush()


def delete_expired_tokens(session: Session, now: float) -> int:
    """Delete tokens that have expired. Every worker sees by itself that they have."""
    expired = delete(DeviceToken).where(col(DeviceToken.expires_at) <= now)
    return int(session.exec(expired.execution_options(touches=NOTHING)).rowcount)


def access_tokens(
    session: Session, agents: Collection[str] | None = None
) -> list[tuple[DeviceToken, str]]:
    """Access tokens, each with the vault's id; only those of agents with these ids, when given."""
    query = (
        select(DeviceToken, DeviceRow.vault_id)
        .join(DeviceRow, col(DeviceRow.id) == col(DeviceToken.device_id))
        .where(DeviceToken.kind == ACCESS)
    )
    if agents is not None:
        query = query.where(col(DeviceToken.agent_id).in_(agents))
    return [(token, vault_id) for token, vault_id in session.exec(query)]


def find_settings(session: Session, vault_id: str) -> ClaudeSettings | None:
    """A vault's managed settings, if it has any."""
    return session.get(ClaudeSettings, vault_id)


def put_settings(session: Session, settings: ClaudeSettings) -> ClaudeSettings:
    """Store a vault's managed settings in place of those before."""
    row = session.get(ClaudeSettings, settings.vault_id)
    if row is None:
        session.add(settings)
        session.flush()
        return settings
    row.uuid, row.settings, row.updated_at = settings.uuid, settings.settings, settings.updated_at
    session.flush()
    return row


def delete_settings(session: Session, vault_id: str) -> None:
    """Let a vault have none any more. Raises VaultError: not_found."""
    row = session.get(ClaudeSettings, vault_id)
    if row is None:
        raise VaultError("not_found", "The vault has no managed settings.")
    session.delete(row)
    session.flush()
