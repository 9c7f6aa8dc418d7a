"""The console as a process: its log file, its connection, its exit status."""

import logging
import os
import socket
import time
from pathlib import Path

from proxy_core.base.paths import Home, open_private_file
from proxy_core.client.target import Target
from vault_tui.app import ConsoleApp
from vault_tui.preferences import Preferences
from vault_tui.worker_link import examiner, opener, starter

log = logging.getLogger(__name__)


def run_console(
    home: Home, remote: Target | None = None, *, read_only: bool = False, slot: str = ""
) -> int:
    """Show the console until the operator leaves; the worker keeps running.

    With `remote` that worker is shown, and `home` only keeps the console's own files. `slot`
    unlocks from the start, as `worker_link.opener` does. Returns the exit status. Raises
    VaultError: home_unusable.
    """
    home.prepare()
    log_file = home.path / "console.log"
    _log_to(log_file)
    app = ConsoleApp(
        opener(home, remote, slot),
        read_only=read_only,
        where=remote.where if remote else socket.gethostname(),
        preferences=Preferences.load(home.settings_dir),
        local=remote is None,
        start_worker=starter(home) if remote is None else None,
        examine=examiner(home, remote),
    )
    ConsoleApp.log_path = str(log_file)
    log.info("console starts, process %d", os.getpid())
    result = app.run()
    log.info("console ends")
    return app.return_code or result or 0


def _log_to(path: Path) -> None:
    """Everything goes to the file, nothing to the terminal."""
    stream = os.fdopen(
        open_private_file(path, os.O_WRONLY | os.O_APPEND), "a", encoding="utf-8", buffering=1
    )
    handler = logging.StreamHandler(stream)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.captureWarnings(True)
