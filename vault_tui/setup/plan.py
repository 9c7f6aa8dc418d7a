"""What is wanted of files, and what that changes in them as they are now."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vault_tui.setup import files
from vault_tui.setup.documents import ABSENT, Document, Keys, open_document


@dataclass(frozen=True, slots=True)
class Edit:
    """One key's wanted value; ABSENT: it has to go."""

    keys: Keys
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class FileEdits:
    """Edits of one file; `kind` is a format of `documents`. `secret`: it holds a token then."""

    path: Path
    kind: str
    edits: Sequence[Edit]
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; None stands for no file. Modes are permissions."""

    path: Path
    before: bytes | None = field(repr=False)
    after: bytes | None = field(repr=False)
    mode_before: int = files.PRIVATE
    mode: int = files.PRIVATE
    kind: str = ""
    keys: tuple[Keys, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether there is anything to do."""
        return self.before != self.after or self.mode_before != self.mode


def changes_for(wanted: Iterable[FileEdits], home: Path) -> list[Change]:
    """One change a file, those without anything to do left out.

    Raises VaultError conflict for a file that can't be merged into: then nothing has happened.
    """
    found = [_change(one, home) for one in wanted]
    return [one for one in found if one.changes]


def read_document(path: Path, kind: str, home: Path) -> Document:
    """A file as it is now. Raises VaultError conflict."""
    return open_document(kind, files.text_of(files.read(path, home), path), str(path))


def _change(wanted: FileEdits, home: Path) -> Change:
    found = files.read(wanted.path, home)
    document = open_document(wanted.kind, files.text_of(found, wanted.path), str(wanted.path))
    touched = [edit for edit in wanted.edits if not _same(document.get(edit.keys), edit.value)]
    for edit in touched:
        if edit.value is ABSENT:
            document.remove(edit.keys)
        else:
            document.set(edit.keys, edit.value)
    mode = found.mode & ~0o077 if wanted.secret else found.mode
    after = document.text.encode() if touched else found.content
    keys = tuple(edit.keys for edit in touched)
    return Change(wanted.path, found.content, after, found.mode, mode, wanted.kind, keys)


def _same(one: Any, other: Any) -> bool:
    """Equal, and alike in type: in JSON 1 is not true."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return canonical(one) == canonical(other)


def canonical(value: Any) -> str:
    """One text for one value, for comparing and hashing."""
    return json.dumps(value, sort_keys=True, default=str)


def digest(content: bytes) -> str:
    """SHA-256 in hex: says whether something is still as it was written."""
    return hashlib.sha256(content).hexdigest()


def value_digest(value: Any) -> str:
    """The same of a key's value; empty for ABSENT."""
    return "" if value is ABSENT else digest(canonical(value).encode())
