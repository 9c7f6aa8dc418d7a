"""Devices that wait to be approved: any worker that shares the database may answer and decide."""

from collections.abc import Callable
from enum import StrEnum

from sqlmodel import Session, col, delete, select

from proxy_core.base.errors import VaultError
from proxy_core.store.tables import DeviceRequestRow


class State(StrEnum):
    """How far a request has come."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"


def add_request(
    session: Session, request: DeviceRequestRow, new_code: Callable[[], str], most: int
) -> DeviceRequestRow:
    """Store a request, with a code that no other one has. VaultError: overloaded (`most` wait)."""
    codes = check_room(session, most)
    request.code = new_code()
    while request.code in codes:
        request.code = new_code()
    session.add(request)
    session.flush()
    return request


def check_room(session: Session, most: int) -> set[str]:
    """The codes that are taken. Raises VaultError: overloaded (`most` are)."""
    codes = set(session.exec(select(DeviceRequestRow.code)))
    if len(codes) >= most:
        raise VaultError("overloaded", "Too many devices wait to be approved.", retry_after=60)
    return codes


def by_device_code(session: Session, sha256: bytes, now: float) -> DeviceRequestRow | None:
    """What has become of the request of a device, unless its time is over."""
    found = session.get(DeviceRequestRow, sha256)
    return found if found is not None and found.expires_at > now else None


def by_user_code(session: Session, code: str, now: float) -> DeviceRequestRow | None:
    """The request of a code that a screen shows, unless its time is over."""
    query = select(DeviceRequestRow).where(
        DeviceRequestRow.code == code, DeviceRequestRow.expires_at > now
    )
    return session.exec(query).first()


def take_waiting(session: Session, code: str, now: float) -> DeviceRequestRow:
    """A request to be decided; nobody else decides it meanwhile. Raises VaultError: not_found."""
    query = select(DeviceRequestRow).where(
        DeviceRequestRow.code == code,
        DeviceRequestRow.state == State.WAITING.value,
        DeviceRequestRow.expires_at > now,
    )
    found = session.exec(query.with_for_update()).first()
    if found is None:
        raise VaultError("not_found", "No device with this code waits (any more).")
    return found


def take_out(session: Session, sha256: bytes) -> DeviceRequestRow | None:
    """Remove a request, so that it is answered once; None: another answer was quicker."""
    found = session.get(DeviceRequestRow, sha256, with_for_update=True)
    if found is not None:
        session.delete(found)
        session.flush()
    return found


def waiting(session: Session, now: float) -> list[DeviceRequestRow]:
    """Those that nobody has decided, oldest first."""
    query = select(DeviceRequestRow).where(
        DeviceRequestRow.state == State.WAITING.value, DeviceRequestRow.expires_at > now
    )
    return list(session.exec(query.order_by(col(DeviceRequestRow.created_at))))


def has_expired(session: Session, now: float) -> bool:
    """Whether the time of some request is over."""
    query = select(DeviceRequestRow.code).where(DeviceRequestRow.expires_at <= now)
    return session.exec(query.limit(1)).first() is not None


def take_expired(session: Session, now: float) -> list[DeviceRequestRow]:
    """Remove requests whose time is over; those that nobody has decided, once for all workers."""
    query = select(DeviceRequestRow).where(DeviceRequestRow.expires_at <= now)
    expired = list(session.exec(query.with_for_update()))
    codes = [one.sha256 for one in expired]
    session.exec(delete(DeviceRequestRow).where(col(DeviceRequestRow.sha256).in_(codes)))
    return [one for one in expired if one.state == State.WAITING.value]
