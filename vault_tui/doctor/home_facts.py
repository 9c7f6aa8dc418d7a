"""The data directory as it lies there."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from proxy_core.base.paths import Home
from proxy_core.domain.doctor import HomeFacts

_OTHERS = 0o077


def home_facts(home: Home, environ: Mapping[str, str]) -> HomeFacts:
    """Modes, owner and room; a home that is not there is none of our business."""
    over_ssh = bool(environ.get("SSH_CONNECTION"))
    try:
        found = home.path.lstat()
    except OSError:
        return HomeFacts(str(home.path), exists=False, over_ssh=over_ssh)
    free = None
    with suppress(OSError):
        free = shutil.disk_usage(home.path).free
    return HomeFacts(
        path=str(home.path),
        mode=stat.S_IMODE(found.st_mode),
        foreign=found.st_uid != os.geteuid(),
        open_files=tuple(_open_files(home)),
        free_bytes=free,
        over_ssh=over_ssh,
    )


def _open_files(home: Home) -> Iterator[str]:
    """Regular files that others may read or write; those of the settings too."""
    for directory in (home.path, home.settings_dir):
        with suppress(OSError):
            for path in sorted(directory.iterdir()):
                if _is_open(path):
                    yield str(path)


def _is_open(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & _OTHERS)
