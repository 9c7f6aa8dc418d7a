"""Databases at the newest schema, made by copying: migrating an empty one takes longer than a test.

How databases are migrated is tested in `tests/store/test_schema.py` and by every worker that the
tests start as users do.
"""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from proxy_core.store.database import Database


def copy_newest(path: Path) -> Path:
    """Make an empty SQLite database of this version at `path`; answers it."""
    return Path(shutil.copy(_newest(), path))


@cache
def _newest() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="vt-schema-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Database.open(folder / "vault.db").close()
    return folder / "vault.db"
