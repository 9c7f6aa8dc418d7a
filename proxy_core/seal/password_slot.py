"""The password slot: Argon2id with the parameters stored beside it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from proxy_core.base.errors import VaultError
from proxy_core.seal.slots import (
    KEK_BYTES,
    SlotDraft,
    SlotKind,
    SlotRecord,
    open_with_key,
    wrap_dek,
)

_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """Argon2id's cost: passes, memory in KiB, lanes."""

    time: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4


COST_FLOOR: Final = Argon2Cost()
"""Slots cheaper than this are refused, so that an edited record can't weaken the password."""
_COST_CEILING: Final = Argon2Cost(time=16, memory_kib=1024 * 1024, lanes=16)
"""A record may be another's (a backup's), and is derived with before it is authenticated."""


def create_password_slot(
    draft: SlotDraft, dek: bytearray, password: bytes, cost: Argon2Cost = COST_FLOOR
) -> SlotRecord:
    """Wrap the DEK under a password. Takes about 0.2 s of CPU: call it in a thread.

    Changing a password is creating a slot with the same id again. Raises VaultError: bad_request
    for an empty password.
    """
    if not password:
        raise VaultError("bad_request", "The password must not be empty.")
    params = {"kdf": "argon2id", "salt": os.urandom(_SALT_BYTES).hex(), **asdict(cost)}
    return wrap_dek(draft, SlotKind.PASSWORD, params, _derive(params, password), dek)


def open_password_slot(slot: SlotRecord, password: bytes) -> bytearray:
    """Unwrap the DEK. Takes about 0.2 s of CPU: call it in a thread.

    Raises VaultError: wrong_key; key_slot_unusable when the stored cost is below the floor.
    """
    return open_with_key(slot, derive_key(slot, password))


def derive_key(slot: SlotRecord, password: bytes) -> bytes:
    """The slot's key, made of the password. Takes about 0.2 s of CPU.

    Raises VaultError as `open_password_slot` does.
    """
    if not password:
        raise VaultError("wrong_key")
    return _derive(slot.params, password)


def check_password_slot(slot: SlotRecord) -> None:
    """Whether some password could open it. Raises VaultError: key_slot_unusable."""
    _checked(slot.params)


def _derive(params: Mapping[str, Any], password: bytes) -> bytes:
    cost, salt = _checked(params)
    try:
        kdf = Argon2id(
            salt=salt,
            length=KEK_BYTES,
            iterations=cost.time,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        )
        return kdf.derive(password)
    except MemoryError:
        raise VaultError(
            "key_slot_unusable", "There is not enough memory for the password's derivation."
        ) from None


def _checked(params: Mapping[str, Any]) -> tuple[Argon2Cost, bytes]:
    try:
        cost = Argon2Cost(params["time"], params["memory_kib"], params["lanes"])
        salt = bytes.fromhex(params["salt"])
        known = params["kdf"] == "argon2id" and len(salt) == _SALT_BYTES
        whole = all(type(one) is int for one in astuple(cost))
        in_range = whole and _between(COST_FLOOR, cost, _COST_CEILING)
    except (KeyError, TypeError, ValueError):
        raise VaultError("key_slot_unusable", "The password slot's record is damaged.") from None
    if not (known and in_range):
        raise VaultError(
            "key_slot_unusable", "The password slot's key derivation is outside the safe range."
        )
    return cost, salt


def _between(low: Argon2Cost, cost: Argon2Cost, high: Argon2Cost) -> bool:
    return (
        low.time <= cost.time <= high.time
        and low.memory_kib <= cost.memory_kib <= high.memory_kib
        and low.lanes <= cost.lanes <= high.lanes
    )
