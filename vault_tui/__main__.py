"""`vault-tui` and `python -m vault_tui`."""

import os
import sys


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    _open_closed_streams()
    from vault_tui.cli import fast

    code = fast.answer(sys.argv[1:])
    if code is None:
        from vault_tui.cli.root import run

        code = run()
    sys.exit(code)


def _open_closed_streams() -> None:
    """A standard stream that was closed is an empty one, and nothing else gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


if __name__ == "__main__":
    main()
