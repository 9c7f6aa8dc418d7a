"""Carrying out changes: backups first, then the receipt, then the files, all or none of them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from vault_tui.setup import files, receipts
from vault_tui.setup.documents import open_document
from vault_tui.setup.plan import Change, digest, value_digest
from vault_tui.setup.receipts import FileReceipt, KeyReceipt, Receipt


def apply(home: Home, user_home: Path, changes: Sequence[Change], receipt: Receipt) -> list[Path]:
    """Write the files; the backups that were made. `receipt` says what was done before and takes
    the files in.

    When a file can't be written, those before it are put back. Raises VaultError conflict for a
    file that was changed meanwhile; OSError.
    """
    check_unchanged(changes, user_home)
    known = {one.path: one for one in receipt.files}
    backups = [_back_up(change, known.get(str(change.path))) for change in changes]
    for change, backup in zip(changes, backups, strict=True):
        known[str(change.path)] = _receipt_of(change, backup, known.get(str(change.path)))
    earlier = receipts.load(home, receipt.tool)
    receipts.save(home, msgspec.structs.replace(receipt, files=list(known.values())))
    try:
        write_all(changes)
    except BaseException:
        _take_back(home, receipt.tool, earlier, backups)
        raise
    return [backup for backup in backups if backup is not None]


def check_unchanged(changes: Sequence[Change], user_home: Path) -> None:
    """Raise VaultError conflict for a file that is not as it was when it was read."""
    for change in changes:
        if files.read(change.path, user_home).content != change.before:
            raise VaultError("conflict", f"{change.path} was changed meanwhile: run it again.")


def write_all(changes: Sequence[Change]) -> None:
    """Write each file; when one can't be, put those before it back."""
    done: list[Change] = []
    try:
        for change in changes:
            done.append(change)
            _put(change)
    except BaseException:
        for change in reversed(done):
            back = replace(change, after=change.before, mode=change.mode_before)
            _put(back)
        raise


def _put(change: Change) -> None:
    if change.after is None:
        files.remove(change.path)
    else:
        files.write(change.path, change.after, change.mode)


def _back_up(change: Change, earlier: FileReceipt | None) -> Path | None:
    """A copy beside the file, for its owner's eyes alone; none of what is our own text."""
    if change.before is None or (earlier and earlier.digest == digest(change.before)):
        return None
    stamp = time.strftime("%Y%m%d-%H%M%S")
    backup = change.path.with_name(f"{change.path.name}.backup-{stamp}")
    count = 1
    while backup.exists():
        count += 1
        backup = backup.with_name(f"{change.path.name}.backup-{stamp}-{count}")
    files.write(backup, change.before, files.PRIVATE)
    return backup


def _receipt_of(change: Change, backup: Path | None, earlier: FileReceipt | None) -> FileReceipt:
    """The first backup counts: it holds what was there before any of this."""
    after = change.after or b""
    document = open_document(change.kind, after.decode(), str(change.path))
    written = {keys: KeyReceipt(keys, value_digest(document.get(keys))) for keys in change.keys}
    if earlier is None:
        name = str(backup) if backup else ""
        kept, mode, whole = list(written.values()), change.mode_before, True
    else:
        name, mode = earlier.backup, earlier.mode
        kept = [one for one in earlier.keys if one.keys not in written] + list(written.values())
        whole = earlier.whole and digest(change.before or b"") == earlier.digest
    path = str(change.path)
    return FileReceipt(path, change.kind, name, mode, digest(after), kept, whole)


def _take_back(
    home: Home, tool: str, earlier: Receipt | None, backups: Sequence[Path | None]
) -> None:
    if earlier is None:
        receipts.forget(home, tool)
    else:
        receipts.save(home, earlier)
    for backup in backups:
        if backup is not None:
            backup.unlink(missing_ok=True)
