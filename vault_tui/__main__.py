"""`vault-tui` and `python -m vault_tui`."""

import sys


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    from vault_tui.cli import fast

    code = fast.answer(sys.argv[1:])
    if code is None:
        from vault_tui.cli.root import run

        code = run()
    sys.exit(code)


if __name__ == "__main__":
    main()
