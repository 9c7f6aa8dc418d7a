"""What proves a key slot, gathered on the operator's side."""

import asyncio
import base64
import math
import os
import stat
from pathlib import Path

from proxy_core.base.errors import VaultError
from vault_tui.strings import gates as gate_words

KEYRING_SERVICE = "vault-tui"
KEYRING_SECONDS = 10.0
_MAX_KEYFILE_BYTES = 256
SUGGESTED_BITS = 60


async def slot_secret(kind: str, typed: str, slot_id: str, local: bool) -> str:
    """What is sent as the proof of a slot; empty: the worker, on this machine, fetches the key.

    `typed` is a password, or the path of a key file. Raises VaultError wrong_key.
    """
    if kind == "password":
        return typed
    if local and (kind == "keyring" or not typed.strip()):
        return ""
    return (
        await keyring_secret(slot_id) if kind == "keyring" else keyfile_secret(Path(typed.strip()))
    )


async def keyring_secret(slot_id: str) -> str:
    """The slot's key from this machine's keyring, in base64. Raises VaultError wrong_key."""
    try:
        found = await asyncio.wait_for(asyncio.to_thread(_read_keyring, slot_id), KEYRING_SECONDS)
    except TimeoutError:
        raise VaultError("wrong_key", gate_words.KEYRING_SILENT) from None
    if not found:
        raise VaultError("wrong_key", gate_words.KEYRING_EMPTY)
    return found


def _read_keyring(slot_id: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, slot_id)
    except KeyringError:
        return None


def keyfile_secret(path: Path) -> str:
    """A key file's key, in base64; it must be ours and closed to others. Raises VaultError."""
    try:
        descriptor = os.open(path.expanduser(), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
                raise VaultError("wrong_key", gate_words.KEYFILE_OPEN)
            content = file.read(_MAX_KEYFILE_BYTES).strip()
        base64.b64decode(content, validate=True)
    except OSError as error:
        raise VaultError(
            "wrong_key", gate_words.KEYFILE_UNREADABLE.format(why=error.strerror)
        ) from None
    except ValueError:
        raise VaultError("wrong_key", gate_words.KEYFILE_NO_KEY) from None
    return content.decode("ascii")


def strength_bits(password: str) -> float:
    """A cautious estimate of a password's strength: repeats and runs count little."""
    pools = ((str.islower, 26), (str.isupper, 26), (str.isdigit, 10))
    alphabet = sum(size for test, size in pools if any(test(c) for c in password))
    if any(not c.isalnum() for c in password):
        alphabet += 20
    if not alphabet:
        return 0.0
    fresh = 0.0
    for index, character in enumerate(password):
        before = password[max(0, index - 3) : index]
        run = bool(before) and abs(ord(character) - ord(before[-1])) <= 1
        fresh += 0.25 if character in before or run else 1.0
    return fresh * math.log2(alphabet)
