"""What a failed command says and returns: one sentence, what to do next, an exit code.

    0 done   1 failed   2 usage   3 no worker or sealed   4 not found   5 refused

Tracebacks are shown with VAULT_TUI_DEBUG alone. Imports no click, for `fast.py`.
"""

import os
import sys

from proxy_core.base import variables
from proxy_core.base.errors import EXIT_FAILED, EXIT_USAGE, VaultError
from proxy_core.base.text import display_safe

EXIT_INTERRUPTED = 130
_SENTENCE_LIMIT = 600


class Usage(Exception):
    """Arguments that are right one by one and wrong together."""


def report(error: Exception) -> int:
    """Print `error` to stderr; return the exit code."""
    import click

    _debug(error)
    if isinstance(error, VaultError):
        return report_vault_error(error)
    if isinstance(error, Usage):
        say(_sentence(str(error)))
        return EXIT_USAGE
    if isinstance(error, click.Abort):
        # click turns Ctrl-C into Abort; whoever pressed it needs no explanation.
        if isinstance(error.__cause__, KeyboardInterrupt):
            return EXIT_INTERRUPTED
        say("Cancelled; nothing was changed.")
        return EXIT_FAILED
    if isinstance(error, click.UsageError):
        error.show()
        return error.exit_code
    if isinstance(error, click.ClickException):
        say(_sentence(error.format_message()))
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        say(_sentence(where + error.strerror))
        return EXIT_FAILED
    say(f"Unexpected failure ({type(error).__name__}). Set {variables.DEBUG}=1 to see where.")
    return EXIT_FAILED


def report_vault_error(error: VaultError) -> int:
    """Print the worker's or our own refusal; return the exit code."""
    say(f"{_sentence(str(error))} {_help(error)}".rstrip())
    return error.exit_code


def say(text: str) -> None:
    """Write one line to stderr, made safe for a terminal."""
    print(f"vault-tui: {display_safe(text, _SENTENCE_LIMIT)}", file=sys.stderr)


def _debug(error: Exception) -> None:
    if os.environ.get(variables.DEBUG):
        import traceback

        traceback.print_exception(error)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _help(error: VaultError) -> str:
    return "" if error.advice.rstrip(".") in str(error) else error.advice
