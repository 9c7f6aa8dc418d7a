"""Pointing other programs at the vault: their files are merged into, never written over.

`documents` edits one file's text and leaves the rest of it as it stands; `plan` says what would
change; `apply` does it with backups and a receipt; `undo` takes it back. What each program needs is
in `tools`. Nothing here talks to the worker.
"""
