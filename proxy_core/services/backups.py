"""Backups: one encrypted file that holds the whole vault as it is at one moment.

    copy       the database, while others read and write it
    pack       encrypted under a key made of the DEK, into a file beside the wanted one
    name       the file gets its name, unless something has it already

The file's header holds the key slots, so whatever opens the vault opens the backup.
"""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.seal import SlotDraft, SlotKind, SlotRecord, overwrite
from proxy_core.seal.backup_file import pack
from proxy_core.seal.password_slot import create_password_slot
from proxy_core.services.context import Context
from proxy_core.services.key_slots import KeySlots
from proxy_core.store.copying import (
    COPY,
    beside,
    copy_database,
    key_versions,
    remove_database,
    sync_directory,
)

PASSPHRASE_LABEL = "backup passphrase"  # noqa: S105 - what a slot is called
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class Backups:
    """Makes backups; restoring is for when no worker runs (`restoring`)."""

    def __init__(self, context: Context, key_slots: KeySlots) -> None:
        self._context = context
        self._key_slots = key_slots

    async def make(self, request: wire.MakeBackup, version: str) -> wire.BackupMade:
        """Write a backup to a path of this machine; `version` is the program's.

        Raises VaultError: sealed, bad_request (PostgreSQL, a path that is not absolute, nothing
        that would open it elsewhere), conflict (the file exists), home_unusable.
        """
        return await self._context.carry_through(self._make(request, version))

    async def _make(self, request: wire.MakeBackup, version: str) -> wire.BackupMade:
        database = self._context.database
        if database.dialect != "sqlite":
            raise VaultError(
                "bad_request",
                "The vault is in PostgreSQL: back it up with pg_dump. Its secrets are sealed there "
                "too, and its key slots come with it.",
            )
        path = Path(request.path)
        if not path.is_absolute() or "\0" in request.path:
            raise VaultError("bad_request", "path must say in full where the backup is to be made")
        async with self._key_slots.changing:  # the slots and the copy are of the same key
            known, dek = self._key_slots.held(), self._context.sealer.copy_dek()
            now = self._context.clock.time()
            try:
                slots = await asyncio.to_thread(_opening, known, request.passphrase, dek, now)
                await self._context.audit.record(Deed("vault.backed_up", path.name))
                place = Path(str(database.engines.read.url.database))
                await asyncio.to_thread(_write, place, path, dek, slots, now, version)
            finally:
                overwrite(dek)
        return wire.BackupMade(path=str(path), created_at=rfc3339(now), slots=len(slots))


def _opening(
    known: Sequence[SlotRecord], passphrase: str, dek: bytearray, now: float
) -> Sequence[SlotRecord]:
    """What shall open the backup. Blocking. Raises VaultError: bad_request."""
    if passphrase:
        draft = SlotDraft(new_id(), PASSPHRASE_LABEL, now, known[0].key_version)
        secret = passphrase.encode("utf-8", "surrogateescape")
        return [*known, create_password_slot(draft, dek, secret)]
    if not any(slot.kind is SlotKind.PASSWORD for slot in known):
        raise VaultError(
            "bad_request",
            "No password opens this vault, so none would open its backup on another machine: "
            "give a passphrase, or add a password slot.",
        )
    return known


def _write(
    database: Path,
    path: Path,
    dek: bytearray,
    slots: Sequence[SlotRecord],
    now: float,
    version: str,
) -> None:
    if os.path.lexists(path):
        raise _exists(path)
    copied = beside(database, COPY)
    partial = path.with_name(f".{path.name}.{new_id()}.partial")
    try:
        copy_database(database, copied)
        if key_versions(copied) != {slots[0].key_version}:
            raise VaultError("conflict", "The key was rotated meanwhile: do it once more.")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with copied.open("rb") as plain, os.fdopen(os.open(partial, flags, 0o600), "wb") as out:
            os.fchmod(out.fileno(), 0o600)
            pack(plain, out, dek, slots, created_at=now, version=version)
            out.flush()
            os.fsync(out.fileno())
        _name(partial, path)
        sync_directory(path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VaultError("bad_request", f"{path} can't be written: {reason}.") from None
    finally:
        remove_database(copied)
        partial.unlink(missing_ok=True)


def _name(partial: Path, path: Path) -> None:
    """Give the file its name, unless something has it."""
    try:
        os.link(partial, path, follow_symlinks=False)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:  # a file system without links
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise _exists(path) from None
        partial.rename(path)


def _exists(path: Path) -> VaultError:
    return VaultError("conflict", f"{path} exists already, and is left as it is.")
