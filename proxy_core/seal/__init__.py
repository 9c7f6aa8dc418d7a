"""Keys: the data encryption key, its slots, and sealing of secrets."""

from proxy_core.seal.aad import aad
from proxy_core.seal.password_hash import (
    PasswordHash,
    hash_password,
    nobodys_password,
    password_matches,
)
from proxy_core.seal.password_slot import COST_FLOOR, Argon2Cost
from proxy_core.seal.process import harden_process
from proxy_core.seal.sealer import (
    WARN_ENCRYPTIONS,
    Encryptor,
    Sealer,
    new_dek,
    overwrite,
    sealed_under,
)
from proxy_core.seal.slots import (
    SlotDraft,
    SlotKind,
    SlotRecord,
    open_with_key,
    prove,
    rewrap_dek,
)

__all__ = [
    "COST_FLOOR",
    "WARN_ENCRYPTIONS",
    "Argon2Cost",
    "Encryptor",
    "PasswordHash",
    "Sealer",
    "SlotDraft",
    "SlotKind",
    "SlotRecord",
    "aad",
    "harden_process",
    "hash_password",
    "new_dek",
    "nobodys_password",
    "open_with_key",
    "overwrite",
    "password_matches",
    "prove",
    "rewrap_dek",
    "sealed_under",
]
