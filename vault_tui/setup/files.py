"""Other programs' files: read and replaced without following links or taking what isn't ours."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from proxy_core.base.errors import VaultError
from vault_tui.setup.documents import refused

MAX_BYTES = 8 * 1024 * 1024
PRIVATE = 0o600
_DIRECTORY = 0o700


@dataclass(frozen=True, slots=True)
class Found:
    """What a path holds: `content` is None where there is no file. `mode` is its permissions."""

    content: bytes | None = field(default=None, repr=False)
    mode: int = PRIVATE


def read(path: Path, home: Path) -> Found:
    """The file as it is. Raises VaultError conflict for a link (also on the way from `home`), for
    what is no regular file, another user's, or more than 8 MiB; OSError.
    """
    _check_way(path, home)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return Found()
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refused(str(path), "it is no regular file")
        if status.st_uid != os.geteuid():
            raise refused(str(path), "it belongs to another user")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise refused(str(path), "it holds more than 8 MiB")
    return Found(content, stat.S_IMODE(status.st_mode))


def text_of(found: Found, path: Path) -> str:
    """Its text; empty where there is no file. Raises VaultError conflict: not UTF-8."""
    try:
        return (found.content or b"").decode()
    except UnicodeDecodeError:
        raise refused(str(path), "it is not UTF-8 text") from None


def write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file in one step, its group kept; directories that are missing are made private.

    Raises OSError.
    """
    import tempfile

    _make_directory(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _keep_group(descriptor, path)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def remove(path: Path) -> None:
    """Remove the file, if it is there."""
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_way(path: Path, home: Path) -> None:
    """The file and the directories that lead to it from `home`, or its own directory elsewhere."""
    if not path.is_absolute() or ".." in path.parts:
        raise VaultError("bad_request", f"{path} is no absolute path without `..`.")
    below = path.is_relative_to(home)
    for step in (path, *path.parents) if below else (path, path.parent):
        if below and step == home:
            return
        try:
            status = step.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        if stat.S_ISLNK(status.st_mode):
            raise refused(str(path), f"{step} is a symbolic link")
        if step != path and not stat.S_ISDIR(status.st_mode):
            raise refused(str(path), f"{step} is no directory")
        if step != path and status.st_uid != os.geteuid():
            raise refused(str(path), f"{step} belongs to another user")


def _make_directory(directory: Path) -> None:
    if directory.exists():
        return
    _make_directory(directory.parent)
    directory.mkdir(mode=_DIRECTORY, exist_ok=True)


def _keep_group(descriptor: int, path: Path) -> None:
    try:
        group = path.stat().st_gid
        if group != os.fstat(descriptor).st_gid:
            os.fchown(descriptor, -1, group)
    except OSError:
        return  # no file yet, or a group that we are not in: then it is ours
