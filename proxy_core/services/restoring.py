"""Restoring a backup, while no worker runs.

    unpack     all of it, into a file beside the database: authenticated before anything is touched
    show       what it holds; whoever restores says whether that is meant
    adopt      migrated to this version, with its own entry in the audit
    replace    the database takes its place; the one before is kept aside

A login whose tokens the database before had refreshed since the backup has a refresh token that was
used: it is marked to be connected anew. Where that can't be told, on another machine, the
provider's refusal marks it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from proxy_core.base.clock import SystemClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain.audit import Deed
from proxy_core.seal import Sealer, SlotKind, SlotRecord, overwrite
from proxy_core.seal.backup_file import BackupHead, read_head, unpack
from proxy_core.seal.keyfile_slot import open_keyfile_slot
from proxy_core.services import slots
from proxy_core.services.audit.trail import Trail
from proxy_core.services.opening import open_one
from proxy_core.store import copying, installation
from proxy_core.store import logins as login_store
from proxy_core.store.copying import Contents
from proxy_core.store.database import Database

_WHY = "restored from a backup of {}: its refresh token was used since"


@dataclass(frozen=True, slots=True)
class Restored:
    """`aside` is where the database before is, if there was one. `reconnect`: logins marked."""

    contents: Contents
    aside: Path | None
    reconnect: int


@dataclass(frozen=True, slots=True)
class Key:
    """What opens the backup: a password, or the file of a key file slot; else the OS keyring."""

    password: str = ""
    file: Path | None = None

    def __repr__(self) -> str:
        return f"Key(file={self.file!r})"

    def open(self, head: BackupHead) -> tuple[SlotRecord, bytearray]:
        """Blocking. Raises VaultError: wrong_key, keyring_unavailable, key_slot_unusable."""
        if self.file is None:
            kind = SlotKind.PASSWORD if self.password else SlotKind.KEYRING
            return open_one(head.slots, kind, self.password, own_user=True)
        failure = VaultError("wrong_key", "The backup has no key file slot.")
        for slot in head.slots:
            if slot.kind is SlotKind.KEYFILE:
                try:
                    return slot, open_keyfile_slot(slot, self.file)
                except VaultError as error:
                    failure = error
        raise failure


def restore(
    backup: Path,
    database: Path,
    key: Key,
    *,
    replace: bool,
    agreed: Callable[[BackupHead, Contents], bool],
) -> Restored | None:
    """Put a backup in the place of `database`; None when `agreed` says no. Blocking.

    The caller holds the home's lock. Raises VaultError: conflict (there is a vault, and `replace`
    is not said), backup_damaged, wrong_key, database_newer, home_unusable, bad_request (no file).
    """
    if not replace and copying.is_set_up(database):
        raise VaultError(
            "conflict", f"There is a vault in {database.parent}: --replace keeps it aside."
        )
    new = copying.beside(database, copying.RESTORING)
    try:
        head, slot, dek = _unpacked(backup, new, key)
        try:
            contents = copying.contents_of(new)
            if not agreed(head, contents):
                return None
            marked = _adopt(new, head, slot, dek, copying.login_generations(database))
        finally:
            overwrite(dek)
        copying.merge_log(new)
        aside = copying.put_in_place(new, database, _aside(database))
        return Restored(contents, aside, marked)
    finally:
        copying.remove_database(new)


def _unpacked(backup: Path, new: Path, key: Key) -> tuple[BackupHead, SlotRecord, bytearray]:
    copying.remove_database(new)
    try:
        with backup.open("rb") as file:
            head = read_head(file)
            slot, dek = key.open(head)
            try:
                with copying.private_file(new) as out:
                    unpack(file, head, dek, out)
            except BaseException:
                overwrite(dek)
                raise
            return head, slot, dek
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VaultError("bad_request", f"{backup} can't be restored: {reason}.") from None


def _adopt(
    new: Path, head: BackupHead, slot: SlotRecord, dek: bytearray, before: dict[str, int]
) -> int:
    """Migrate, keep the slot that opened the backup, mark logins. Answers how many."""
    database = Database.open(new)
    sealer = Sealer()
    try:
        sealer.open(bytearray(dek), key_version=slot.key_version)
        trail, made_at = Trail(database, sealer, SystemClock()), rfc3339(head.created_at)

        def work(session: Session) -> int:
            if slot.id not in {row.id for row in installation.list_slots(session)}:
                installation.save_slot(session, slots.slot_row(slot))
            marked = login_store.mark_used(session, before, _WHY.format(made_at))
            told = {"backup": made_at, "reconnect": marked}
            trail.say(session, Deed("vault.restored", after=told))
            return marked

        return database.run_sync(work)
    finally:
        sealer.forget()
        database.close()


def _aside(database: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    return database.with_name(f"{database.name}.before-{stamp}")
