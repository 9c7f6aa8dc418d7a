"""Backups."""

from typing import ClassVar

from proxy_core.domain.wire.base import Request, Response


class MakeBackup(Request):
    """`POST /v1/backup`: `path` is absolute, where the worker writes a new file.

    `passphrase` opens it beside what opens the vault; empty: none.
    """

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"passphrase"})

    path: str
    passphrase: str = ""


class BackupMade(Response):
    """Answer of MakeBackup. `slots`: how many ways there are to open it."""

    path: str
    created_at: str
    slots: int
