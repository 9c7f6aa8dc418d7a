"""A user's password at rest: an Argon2id digest with the parameters it was made with.

Unlike a key slot it wraps nothing, so parameters that were tampered with open nothing either; they
are bounded all the same, for a record must not make a worker run out of memory.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from proxy_core.base.errors import VaultError
from proxy_core.seal.password_slot import COST_FLOOR, Argon2Cost

_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_MOST_MEMORY_KIB: Final = 1024 * 1024
_MOST_PASSES: Final = 16
_MOST_LANES: Final = 16


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """`kdf` holds the name, salt (hex) and cost; neither field tells the password."""

    kdf: Mapping[str, Any] = field(repr=False)
    digest: bytes = field(repr=False)


def hash_password(password: bytes, cost: Argon2Cost = COST_FLOOR) -> PasswordHash:
    """Hash with a fresh salt. About 0.2 s of CPU at the usual cost: call it in a thread."""
    kdf = {"kdf": "argon2id", "salt": os.urandom(_SALT_BYTES).hex(), **asdict(cost)}
    return PasswordHash(kdf, _derive(kdf, password))


def nobodys_password(cost: Argon2Cost = COST_FLOOR) -> PasswordHash:
    """What no password matches, and what takes as long to find out."""
    kdf = {"kdf": "argon2id", "salt": os.urandom(_SALT_BYTES).hex(), **asdict(cost)}
    return PasswordHash(kdf, os.urandom(_DIGEST_BYTES))


def password_matches(stored: PasswordHash, password: bytes) -> bool:
    """Compare in constant time. Takes as long as hashing: call it in a thread.

    Raises VaultError: internal, for a record that is damaged.
    """
    return hmac.compare_digest(_derive(stored.kdf, password), stored.digest)


def _derive(kdf: Mapping[str, Any], password: bytes) -> bytes:
    try:
        passes, memory, lanes = int(kdf["time"]), int(kdf["memory_kib"]), int(kdf["lanes"])
        salt = bytes.fromhex(kdf["salt"])
        known = kdf["kdf"] == "argon2id" and len(salt) == _SALT_BYTES
    except (KeyError, TypeError, ValueError):
        known, passes, memory, lanes, salt = False, 0, 0, 0, b""
    bounded = passes <= _MOST_PASSES and memory <= _MOST_MEMORY_KIB and lanes <= _MOST_LANES
    if not (known and bounded):
        raise VaultError("internal", "A password's record in the database is damaged.")
    derivation = Argon2id(
        salt=salt, length=_DIGEST_BYTES, iterations=passes, lanes=lanes, memory_cost=memory
    )
    return derivation.derive(password)
