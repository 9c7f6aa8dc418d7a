"""The SQLite file and its companions: private whatever the umask, never through a symlink."""

import os
import stat
from pathlib import Path
from typing import Final

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import open_private_file

_COMPANIONS: Final = ("-wal", "-shm", "-journal")


def prepare_file(path: Path) -> None:
    """Create the database file with mode 0600, or tighten an existing one and its companions.

    Only before this process has the database open: to close any of these files ends all locks that
    the process has on it, SQLite's too. Another worker that starts then believes to be the first,
    and clears the log's index while it is in use.

    SQLite gives its companions the mode of the database file. Raises VaultError: home_unusable
    for a symlink, a foreign owner, a directory that can't be written.
    """
    _check_directory(path.parent)
    os.close(open_private_file(path, os.O_RDWR))
    _protect_siblings(path)


def _protect_siblings(path: Path) -> None:
    """Tighten the write-ahead log and its index, where an older program left them open.

    Raises VaultError: home_unusable.
    """
    for suffix in _COMPANIONS:
        companion = path.with_name(path.name + suffix)
        try:
            descriptor = os.open(companion, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise VaultError(
                "home_unusable", f"{companion.name} can't be opened: {error.strerror}."
            ) from None
        try:
            _protect(descriptor, companion)
        finally:
            os.close(descriptor)


def _check_directory(directory: Path) -> None:
    try:
        status = directory.lstat()
    except OSError as error:
        raise VaultError(
            "home_unusable", f"The data directory can't be used: {error.strerror}."
        ) from None
    if not stat.S_ISDIR(status.st_mode):
        raise VaultError("home_unusable", "The data directory is a symlink or not a directory.")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise VaultError("home_unusable", "The data directory can't be written.")


def _protect(descriptor: int, path: Path) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise VaultError("home_unusable", f"{path.name} is not a regular file.")
    if status.st_uid != os.geteuid():
        raise VaultError("home_unusable", f"{path.name} belongs to another user.")
    if stat.S_IMODE(status.st_mode) & 0o177:
        os.fchmod(descriptor, 0o600)
