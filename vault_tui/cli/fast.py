"""What status bars ask every second, and the console itself, without the cost of click (70 ms).

Exactly these command lines; everything else, and every misspelling, goes through `root.py`, which
gives the same answers.
"""

import os
from collections.abc import Callable, Mapping, Sequence

from proxy_core.base.errors import VaultError

_Answer = Callable[[], None]


def answer(arguments: Sequence[str]) -> int | None:
    """Answer one of the fast command lines; its exit code, or None for any other."""
    found = _ANSWERS.get(tuple(arguments))
    if found is None or "_VAULT_TUI_COMPLETE" in os.environ:
        return None
    try:
        found()
    except VaultError as error:
        from vault_tui.cli.failures import report_vault_error

        return report_vault_error(error)
    except Exception as error:
        from vault_tui.cli.failures import report

        return report(error)
    return 0


def _status(**form: bool) -> _Answer:
    def show() -> None:
        from vault_tui.cli.connection import Connection
        from vault_tui.cli.status_report import show_status

        show_status(Connection(), **form)

    return show


def _console(*, read_only: bool) -> _Answer:
    def show() -> None:
        from vault_tui.cli.connection import Connection
        from vault_tui.cli.console import open_console

        open_console(Connection(), read_only=read_only)

    return show


def print_version() -> None:
    """`vault-tui 1.2.3`."""
    from importlib.metadata import version

    print(f"vault-tui {version('vault-tui')}")


_ANSWERS: Mapping[tuple[str, ...], _Answer] = {
    (): _console(read_only=False),
    ("--read-only",): _console(read_only=True),
    ("--version",): print_version,
    ("status",): _status(),
    ("status", "--json"): _status(as_json=True),
    ("status", "--short"): _status(short=True),
}
