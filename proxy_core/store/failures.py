"""What the database drivers raise, in the product's own words: one clear sentence each."""

import sqlite3
from typing import Final

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import (
    TimeoutError as PoolTimeout,
)

from proxy_core.base.errors import VaultError

_SQLITE: Final = {
    sqlite3.SQLITE_FULL: "The disk with the database is full.",
    sqlite3.SQLITE_BUSY: "The database is locked by another program.",
    sqlite3.SQLITE_LOCKED: "The database is locked by another program.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged: restore a backup.",
    sqlite3.SQLITE_NOTADB: "The database file is not a database.",
    sqlite3.SQLITE_IOERR: "The disk with the database reports errors.",
    sqlite3.SQLITE_READONLY: "The database file can't be written.",
    sqlite3.SQLITE_CANTOPEN: "The database file can't be opened.",
}
_PRIMARY_CODE: Final = 0xFF
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# serialization_failure, deadlock_detected
_RETRIED_STATES: Final = {"40001", "40P01"}
_REFUSALS: Final = {
    "authentication failed": "The database server refused the user name or password.",
    "no password supplied": "The database server asks for a password.",
    "no pg_hba.conf entry": "The database server admits no such user from this machine.",
    "does not exist": "The database server has no such database or user.",
    "Connection refused": "Nothing listens at the database URL's address.",
    "No such file or directory": "Nothing listens at the database URL's address.",
    "could not translate host name": "The database URL's host name is unknown.",
    "failed to resolve host": "The database URL's host name is unknown.",
    "timeout expired": "The database server does not answer.",
}
_UNREACHABLE: Final = "The database cannot be reached."
_DISK_FULL_STATE: Final = "53100"


def translated(error: Exception) -> VaultError:
    """Turn a driver's failure into a VaultError. The drivers' texts may hold values: not shown."""
    if isinstance(error, VaultError):
        return error
    if isinstance(error, IntegrityError):
        return VaultError("conflict", "Another change came first: read the current state.")
    if isinstance(error, DataError | OverflowError):
        return VaultError("bad_request", "A number is out of range, or a text holds a NUL.")
    cause = _driver_error(error)
    code = _sqlite_code(cause)
    if code is not None:
        sentence = _SQLITE.get(code, "The database refused the operation.")
    elif getattr(cause, "sqlstate", None) == _DISK_FULL_STATE:
        sentence = "The database server's disk is full."
    elif isinstance(error, OperationalError):
        sentence = unreachable(str(cause))
    elif isinstance(error, InterfaceError | PoolTimeout | OSError):
        sentence = _UNREACHABLE
    else:
        sentence = "The database refused the operation."
    return VaultError("database_unavailable", sentence)


def is_database_error(error: Exception) -> bool:
    """Whether the database, rather than the values given to it, is at fault."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, DataError)
    return isinstance(error, PoolTimeout | OSError)


def is_passing(error: Exception) -> bool:
    """Whether the same transaction may succeed when it is tried again at once."""
    cause = _driver_error(error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return _sqlite_code(cause) in _BUSY or getattr(cause, "sqlstate", None) in _RETRIED_STATES


def unreachable(text: str) -> str:
    """Why there is no connection: libpq tells refusals at its start apart by its text alone."""
    found = (sentence for words, sentence in _REFUSALS.items() if words in text)
    return next(found, _UNREACHABLE)


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def _sqlite_code(cause: BaseException) -> int | None:
    if not isinstance(cause, sqlite3.Error):
        return None
    return getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE
