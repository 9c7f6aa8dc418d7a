"""What the console remembers between runs: theme, filters, and the operator's keymap file.

`settings/console.json` is written by the console; `settings/keymap.json` by the operator:
`{"traffic.follow": "f,F5"}`. Both are 0600. Nothing in them is secret.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import make_private_directory
from vault_tui.actions import checked_keymap
from vault_tui.strings import common as strings

HISTORY = 50
NOTIFICATIONS: Final[tuple[Literal["", "osc9", "osc777"], ...]] = ("", "osc9", "osc777")
"""Escape sequences that ask the terminal for a desktop notification; empty: none."""


class _Stored(msgspec.Struct):
    theme: str = ""
    filter_history: list[str] = []
    saved_filters: dict[str, str] = {}
    notifications: Literal["", "osc9", "osc777"] = ""


@dataclass(slots=True)
class Preferences:
    """Loaded once; `save` writes by temporary file and rename. `directory` None: kept in memory."""

    directory: Path | None = None
    theme: str = ""
    filter_history: list[str] = field(default_factory=list)
    saved_filters: dict[str, str] = field(default_factory=dict)
    notifications: Literal["", "osc9", "osc777"] = ""
    keymap: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, directory: Path | None) -> "Preferences":
        """What the files say; a file that cannot be read becomes a sentence in `problems`."""
        prefs = cls(directory)
        if directory is None:
            return prefs
        stored = prefs._read(directory / "console.json", _Stored)
        if stored is not None:
            prefs.theme = stored.theme
            prefs.filter_history = stored.filter_history[-HISTORY:]
            prefs.saved_filters = stored.saved_filters
            prefs.notifications = stored.notifications
        keymap = prefs._read(directory / "keymap.json", dict[str, Any])
        if keymap:
            prefs.keymap, problems = checked_keymap(keymap)
            prefs.problems += problems
        return prefs

    def _read(self, path: Path, kind: Any) -> Any:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            self.problems.append(strings.PREFERENCES_UNREADABLE.format(path=path, why=error))
            return None

    def remember_filter(self, text: str) -> bool:
        """Put `text` last in the history; whether there is something to `save` then."""
        if not text or self.filter_history[-1:] == [text]:
            return False
        self.filter_history = [old for old in self.filter_history if old != text][1 - HISTORY :]
        self.filter_history.append(text)
        return True

    def save(self) -> None:
        """Write `console.json`; a failure becomes a sentence in `problems`."""
        if self.directory is None:
            return
        stored = _Stored(self.theme, self.filter_history, self.saved_filters, self.notifications)
        try:
            make_private_directory(self.directory)
            write_private(self.directory / "console.json", msgspec.json.encode(stored))
        except (OSError, VaultError) as error:
            self.problems.append(
                strings.PREFERENCES_UNREADABLE.format(path=self.directory, why=error)
            )


def write_private(path: Path, data: bytes) -> None:
    """Write `path` whole or not at all, with mode 0600. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
