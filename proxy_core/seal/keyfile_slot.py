"""The key file slot: a random key in a file of the worker's user, for unattended servers."""

import base64
import binascii
import os
import stat
from pathlib import Path
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.seal.sealer import overwrite
from proxy_core.seal.slots import (
    KEK_BYTES,
    SlotDraft,
    SlotKind,
    SlotRecord,
    open_with_key,
    wrap_dek,
)

_MAX_BYTES: Final = 256


def create_keyfile_slot(draft: SlotDraft, dek: bytearray, path: Path) -> SlotRecord:
    """Write a new key file (0600; never over an existing file) and wrap the DEK under its key.

    Raises VaultError: key_slot_unusable.
    """
    kek = os.urandom(KEK_BYTES)
    path = path.absolute()
    _write_new(path, base64.b64encode(kek) + b"\n")
    return wrap_dek(draft, SlotKind.KEYFILE, {"path": str(path)}, kek, dek)


def open_keyfile_slot(slot: SlotRecord, path: Path | None = None) -> bytearray:
    """Unwrap the DEK with the key file's key; `path` overrides the recorded place.

    Raises VaultError: wrong_key; key_slot_unusable for a missing file, a symlink, another owner
    or a mode that lets others read.
    """
    kek = read_keyfile(path or Path(str(slot.params.get("path", ""))))
    try:
        return open_with_key(slot, kek)
    finally:
        overwrite(kek)


def read_keyfile(path: Path) -> bytearray:
    """Read a key file's 32 bytes after checking who else could. Raises key_slot_unusable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:  # a NUL in its name is a ValueError
        reason = getattr(error, "strerror", None) or "it has no possible name"
        raise VaultError("key_slot_unusable", f"The key file cannot be opened: {reason}.") from None
    with os.fdopen(descriptor, "rb") as file:
        _check_private(os.fstat(descriptor))
        content = file.read(_MAX_BYTES)
    try:
        return bytearray(base64.b64decode(content.strip(), validate=True))
    except binascii.Error:
        raise VaultError("key_slot_unusable", "The key file does not hold a key.") from None


def _check_private(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise VaultError("key_slot_unusable", "The key file is not a regular file.")
    if status.st_uid != os.geteuid():
        raise VaultError("key_slot_unusable", "The key file belongs to another user.")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise VaultError("key_slot_unusable", "The key file is open to others: chmod 600 it.")


def _write_new(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        _sync_directory(path.parent)
    except OSError as error:
        raise VaultError(
            "key_slot_unusable", f"The key file cannot be written: {error.strerror}."
        ) from None


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
