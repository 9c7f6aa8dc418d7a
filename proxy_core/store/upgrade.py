"""Schema versions: refuse a newer database before touching it, upgrade an older one at once.

Migrations are numbered files in `migrations/versions`; Alembic (a slow import) is loaded only
when there is something to do.
"""

import re
import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from proxy_core.base.errors import VaultError
from proxy_core.store.failures import translated

MIGRATIONS: Final = Path(__file__).parent / "migrations"
# Workers that share a PostgreSQL database upgrade it one after the other: an arbitrary number.
_UPGRADE_LOCK: Final = 0x7661756C74


def known_revisions() -> tuple[str, ...]:
    """Revisions of this version, oldest first: the numbers that start the migrations' names."""
    names = (path.name for path in (MIGRATIONS / "versions").iterdir())
    return tuple(sorted(name[:4] for name in names if re.match(r"\d{4}_\w+\.py$", name)))


def check_not_newer(place: Path | Engine) -> None:
    """Read the schema version without writing anything.

    Raises VaultError: database_newer; database_unavailable for a file that is no database or
    one of another program.
    """
    found = _file_revision(place) if isinstance(place, Path) else _server_revision(place)
    if found is not None and found not in known_revisions():
        raise VaultError(
            "database_newer",
            f"The database has schema {found}; this version knows {known_revisions()[-1]}.",
        )


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest revision in one transaction, if it is not there yet."""
    newest = known_revisions()[-1]
    with engine.connect() as connection:
        if _revision(connection) == newest:
            return
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _server_revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _file_revision(path: Path) -> str | None:
    """Read a SQLite file's revision; with no write-ahead log the file is opened as immutable."""
    log = path.with_name(path.name + "-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        try:
            return _revision_in(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise translated(error) from None


def _revision_in(connection: sqlite3.Connection) -> str | None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise VaultError("database_unavailable", "The database belongs to another program.")
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])
