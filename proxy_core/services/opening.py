"""Trying key slots: which of them opens the DEK. Blocking: call everything here in a thread."""

from collections.abc import Sequence

from proxy_core.base.errors import VaultError
from proxy_core.seal import Sealer, SlotKind, SlotRecord
from proxy_core.services import slots

Opened = tuple[SlotRecord, bytearray]
"""The slot that opened, and the DEK."""


def open_one(known: Sequence[SlotRecord], kind: SlotKind, secret: str, own_user: bool) -> Opened:
    """The first slot of that kind that opens.

    `own_user`: without a secret, the worker may fetch the key itself. Raises VaultError: the last
    slot's failure; wrong_key when there is none of that kind.
    """
    failure = VaultError("wrong_key", f"There is no {kind.value} slot.")
    for slot in known:
        if slot.kind is not kind:
            continue
        try:
            if secret or kind is SlotKind.PASSWORD or not own_user:
                return slot, slots.open_slot(slot, secret)
            return slot, slots.open_unattended(slot)
        except VaultError as error:
            failure = error
    raise failure


def usable(known: Sequence[SlotRecord], live: Sealer) -> tuple[set[str], set[str]]:
    """The ids of slots that can open the vault: by the worker itself, and by some password."""
    unattended = {slot.id for slot in known if slots.opens_unattended(slot, live)}
    return unattended, {slot.id for slot in known if slots.opens_by_password(slot)}


def open_any(known: Sequence[SlotRecord], password: bytes | None) -> Opened | None:
    """What opens without anybody's help: keyring, key file, then `password`; None if nothing."""
    tries = [(kind, "") for kind in slots.AUTOMATIC_ORDER]
    if password is not None:
        tries.append((SlotKind.PASSWORD, password.decode("utf-8", "surrogateescape")))
    for kind, secret in tries:
        try:
            return open_one(known, kind, secret, own_user=True)
        except VaultError:
            continue
    return None
