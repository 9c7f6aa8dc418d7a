"""What status bars and agents ask all the time, and the console, without click's cost (70 ms).

Exactly these command lines; everything else, and every misspelling, goes through `root.py`, which
gives the same answers.
"""

import os

TYPE_CHECKING = False  # `typing` costs 3 ms, what the annotations name 10 ms
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def answer(arguments: "Sequence[str]") -> int | None:
    """Answer one of the fast command lines; its exit code, or None for any other."""
    found = _ANSWERS.get(tuple(arguments))
    if found is None or "_VAULT_TUI_COMPLETE" in os.environ:
        return None
    try:
        return found() or 0
    except Exception as error:
        from proxy_core.base.errors import VaultError
        from vault_tui.cli import failures

        if isinstance(error, VaultError):
            return failures.report_vault_error(error)
        return failures.report(error)


def _status(**form: bool) -> "Callable[[], None]":
    def show() -> None:
        from vault_tui.cli.connection import Connection
        from vault_tui.cli.worker.status_report import show_status

        show_status(Connection(), **form)

    return show


def _console(*, read_only: bool) -> "Callable[[], None]":
    def show() -> None:
        from vault_tui.cli.connection import Connection
        from vault_tui.cli.console import open_console

        open_console(Connection(), read_only=read_only)

    return show


def _token(*, refresh: bool) -> "Callable[[], int]":
    def show() -> int:
        from vault_tui.cli.people.auth_quick import print_token

        return print_token(refresh=refresh)

    return show


def print_version() -> None:
    """`vault-tui 1.2.3`."""
    from importlib.metadata import version

    print(f"vault-tui {version('vault-tui')}")


_ANSWERS: "Mapping[tuple[str, ...], Callable[[], int | None]]" = {
    (): _console(read_only=False),
    ("--read-only",): _console(read_only=True),
    ("--version",): print_version,
    ("auth", "token"): _token(refresh=False),
    ("auth", "token", "--refresh"): _token(refresh=True),
    ("status",): _status(),
    ("status", "--json"): _status(as_json=True),
    ("status", "--short"): _status(short=True),
}
