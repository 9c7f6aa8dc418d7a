"""The file that a program's name means, and whether it is safe to run it as ourselves."""

import os
import shutil
import stat
from pathlib import Path

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class ExecutableError(Exception):
    """A program that is not run. The text is one sentence that may be shown."""


def resolve(name: str, search_path: str) -> str:
    """The absolute path behind a program's name, symbolic links followed. Blocks briefly.

    A bare name is looked for in `search_path` (as PATH); anything else must be absolute. Raises
    ExecutableError: see `check`.
    """
    if "/" in name and not name.startswith("/"):
        raise ExecutableError("The program must be a bare name or an absolute path.")
    absolute = os.pathsep.join(
        one for one in search_path.split(os.pathsep) if Path(one).is_absolute()
    )
    found = name if name.startswith("/") else shutil.which(name, path=absolute)
    if found is None:
        raise ExecutableError("The program is not found in the worker's PATH.")
    try:
        path = str(Path(found).resolve(strict=True))
    except (OSError, ValueError):  # no file, or not even the name of one
        raise ExecutableError("The program's file is not there.") from None
    check(path)
    return path


def check(path: str) -> None:
    """Return if `path` is a program that root and we alone can change. Blocks briefly.

    Raises ExecutableError: it is gone, no program, or others could replace it.
    """
    file = Path(path)
    try:
        found = file.lstat()
        above = [(parent, parent.lstat()) for parent in file.parents]
    except OSError:
        raise ExecutableError("The program's file is not there.") from None
    if not stat.S_ISREG(found.st_mode) or not os.access(path, os.X_OK):
        raise ExecutableError("The program's file can't be executed.")
    _check_owner(found, "The program's file", sticky=False)
    for _, facts in above:
        if not stat.S_ISDIR(facts.st_mode):
            raise ExecutableError("The program's path leads through a symbolic link.")
        _check_owner(facts, "A directory above the program's file", sticky=True)


def _check_owner(found: os.stat_result, what: str, *, sticky: bool) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise ExecutableError(f"{what} belongs to another user.")
    # In a sticky directory, as /tmp, nobody can replace another's file.
    if found.st_mode & _OTHERS_WRITE and not (sticky and found.st_mode & stat.S_ISVTX):
        raise ExecutableError(f"{what} can be changed by other users.")
