"""The worker's log: one line an entry, to a private file or to stderr."""

import logging
import logging.handlers
import os
import sys
from pathlib import Path
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import open_private_file
from proxy_core.base.text import display_safe

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_MAX_BYTES = 10 * 1024 * 1024
_KEPT_FILES = 3
_LINE_LIMIT = 4000
# Libraries speak when something is wrong; what they say otherwise may quote requests.
_QUIET = ("uvicorn", "asyncio", "litestar", "alembic", "sqlalchemy", "keyring", "httpx")


def configure(level: str, file: Path | None) -> None:
    """Set the log up for this process. Raises VaultError: home_unusable."""
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        os.close(open_private_file(file, os.O_WRONLY))
        try:
            handler = logging.handlers.RotatingFileHandler(
                file, maxBytes=_MAX_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"
            )
        except OSError as error:
            raise VaultError("home_unusable", f"{file} cannot be written.") from error
    handler.setFormatter(_OneLine(_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def detach(file: Path) -> None:
    """Lead stdout and stderr to the log file: whoever started us stops listening."""
    descriptor = open_private_file(file, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)


class _OneLine(logging.Formatter):
    """Keeps an entry on one line and free of control characters, whatever a message quotes.

    Tracebacks name places only: an exception's text may quote what a library was given.
    """

    def formatException(self, ei: Any) -> str:
        """Type and places of sys.exc_info()'s triple; no text."""
        return places_of(ei[1])

    def format(self, record: logging.LogRecord) -> str:
        """One safe line."""
        return display_safe(super().format(record).replace("\n", " | "), _LINE_LIMIT)


def places_of(error: BaseException) -> str:
    """An exception's type and where it came from, innermost first."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at " + " < ".join(reversed(places))
