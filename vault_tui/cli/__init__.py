"""The vault-tui command line: a package a subject, in it a module a command group.

Beside them stands what all of them share: the root command, how one is loaded, asked, told.

Rules:

- A group's module is imported when one of its commands runs, never before (`lazy.py`).
- Nothing here talks to a database: every command is a call to the worker (`connection.py`).
- A failure is one sentence on stderr and an exit code (`failures.py`); answers go to stdout.
- A secret comes from stdin, a file or a hidden prompt and is printed on `--reveal` alone.
"""
