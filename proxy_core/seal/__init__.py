"""Keys: the data encryption key, its slots, and sealing of secrets."""

from proxy_core.seal.aad import aad
from proxy_core.seal.process import harden_process
from proxy_core.seal.sealer import WARN_ENCRYPTIONS, Encryptor, Sealer, new_dek, overwrite
from proxy_core.seal.slots import SlotDraft, SlotKind, SlotRecord, open_with_key, prove

__all__ = [
    "WARN_ENCRYPTIONS",
    "Encryptor",
    "Sealer",
    "SlotDraft",
    "SlotKind",
    "SlotRecord",
    "aad",
    "harden_process",
    "new_dek",
    "open_with_key",
    "overwrite",
    "prove",
]
