"""Taking it back: a file that nobody wrote since is what it was before, to the byte.

In any other, each key that still holds what was written gets its former value; keys that somebody
has changed since stay, and are told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vault_tui.setup import files
from vault_tui.setup.documents import ABSENT, Document, Keys, open_document
from vault_tui.setup.plan import Change, digest, value_digest
from vault_tui.setup.receipts import FileReceipt, Receipt


@dataclass(slots=True)
class Undoing:
    """What has to be written, what was left alone and why, and backups that nobody needs then."""

    changes: list[Change] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    spent: list[Path] = field(default_factory=list)


def undoing(receipt: Receipt, home: Path) -> Undoing:
    """What undoes `receipt`; writes nothing. Raises VaultError conflict, as reading does."""
    result = Undoing()
    for one in receipt.files:
        path = Path(one.path)
        found = files.read(path, home)
        if found.content is None:
            result.left.append(f"{path} is gone; there is nothing to take back in it.")
            continue
        before = _backed_up(one, home)
        if before is None and one.backup:
            result.left.append(f"{path} was left as it is: its backup {one.backup} is gone.")
            continue
        backup = [Path(one.backup)] if one.backup else []
        if one.whole and digest(found.content) == one.digest:
            after, kept = before, list[Keys]()
        else:
            after, kept = _merged(one, files.text_of(found, path), before)
        result.left += [f"{path}: {'.'.join(keys)} was changed since, and stays." for keys in kept]
        result.spent += [] if kept else backup
        mode = one.mode if before is not None else found.mode
        change = Change(path, found.content, after, found.mode, mode, one.kind)
        result.changes += [change] if change.changes else []
    return result


def _backed_up(one: FileReceipt, home: Path) -> bytes | None:
    return files.read(Path(one.backup), home).content if one.backup else None


def _merged(one: FileReceipt, text: str, before: bytes | None) -> tuple[bytes | None, list[Keys]]:
    """The file's content without what was written, and the keys that somebody has changed."""
    document = open_document(one.kind, text, one.path)
    former = open_document(one.kind, (before or b"").decode(), one.backup or one.path)
    kept = []
    for key in reversed(one.keys):
        if value_digest(document.get(key.keys)) != key.digest:
            if not _is_former(document, former, key.keys):
                kept.append(key.keys)
            continue
        _restore(document, former, key.keys)
    if before is None and document.is_empty:
        return None, kept
    return document.text.encode(), kept


def _is_former(document: Document, former: Document, keys: Keys) -> bool:
    return value_digest(document.get(keys)) == value_digest(former.get(keys))


def _restore(document: Document, former: Document, keys: Keys) -> None:
    value = former.get(keys)
    if value is not ABSENT:
        document.set(keys, value)
        return
    document.remove(keys)
    for outer in _outer(keys):
        if document.get(outer) != {} or former.get(outer) is not ABSENT:
            return
        document.remove(outer)


def _outer(keys: Keys) -> Iterator[Keys]:
    """What `keys` lies in, the innermost first."""
    return (keys[:depth] for depth in range(len(keys) - 1, 0, -1))


def tidy(spent: Sequence[Path]) -> None:
    """Remove backups whose content is in its place again."""
    for path in spent:
        path.unlink(missing_ok=True)
