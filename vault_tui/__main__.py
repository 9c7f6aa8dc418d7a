"""`vault-tui` and `python -m vault_tui`."""

import sys


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    from vault_tui.cli.root import run

    sys.exit(run())


if __name__ == "__main__":
    main()
