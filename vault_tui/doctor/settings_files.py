"""The settings files that Claude Code reads in a directory, the strongest first.

managed > --settings > .claude/settings.local.json > .claude/settings.json > ~/.claude/settings.json

Local settings are looked for in the repository's root too, and come first there.
"""

import json
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proxy_core.domain.doctor import Scope, SettingsFile

MAX_BYTES = 8 * 1024 * 1024
_MANAGED = {
    "darwin": Path("/Library/Application Support/ClaudeCode"),
    "win32": Path("C:/Program Files/ClaudeCode"),
}
_MANAGED_ELSEWHERE = Path("/etc/claude-code")


class Unreadable(Exception):
    """A file that is there and cannot be used; the text says why in a few words."""


def user_home(environ: Mapping[str, str]) -> Path:
    """HOME, as programs of this environment see it."""
    return Path(environ.get("HOME") or "~").expanduser()


def config_directory(environ: Mapping[str, str]) -> Path:
    """Where Claude Code keeps what is the user's."""
    named = environ.get("CLAUDE_CONFIG_DIR", "")
    return Path(named).expanduser() if named else user_home(environ) / ".claude"


def project_directories(directory: Path) -> list[Path]:
    """The directory, and the root of the repository that it is in."""
    start = directory.resolve()
    root = next((one for one in (start, *start.parents) if (one / ".git").exists()), start)
    return list(dict.fromkeys((start, root)))


def settings_files(
    directory: Path, environ: Mapping[str, str], explicit: Path | None = None
) -> list[SettingsFile]:
    """Those that are there."""
    own = config_directory(environ)
    named = [(Scope.MANAGED, path) for path in _managed_files()]
    if explicit is not None:
        named.append((Scope.EXPLICIT, explicit))
    named += [one for one in project_files(directory, environ) if _is_heeded(*one, directory)]
    named.append((Scope.USER, own / "settings.json"))
    return [file for scope, path in named if (file := _read(scope, path)) is not None]


def project_files(directory: Path, environ: Mapping[str, str]) -> list[tuple[Scope, Path]]:
    """What would come with the project, the strongest first: the repository's local settings come
    before those of the directory. In the home directory it is the user's own, and trusted as such.
    """
    own = config_directory(environ).resolve()
    places = [one / ".claude" for one in reversed(project_directories(directory))]
    foreign = [place for place in places if place.resolve() != own]
    return [
        *((Scope.LOCAL, place / "settings.local.json") for place in foreign),
        *((Scope.PROJECT, place / "settings.json") for place in foreign),
    ]


def _is_heeded(scope: Scope, path: Path, directory: Path) -> bool:
    """Claude Code 2.1 leaves out the shared settings of a repository above the directory. Other
    versions may not: they have to be trusted all the same.
    """
    return scope is Scope.LOCAL or path.parent.parent == directory.resolve()


def read_bytes(path: Path) -> bytes | None:
    """A regular file's content; None when it is not there. Raises Unreadable."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # opening a FIFO would wait for its writer
            raise Unreadable("it is not a regular file")
        if found.st_size > MAX_BYTES:
            raise Unreadable("it is larger than 8 MiB")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable((error.strerror or "unreadable").lower()) from error


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object; None when the file is not there. Raises Unreadable."""
    content = read_bytes(path)
    if content is None:
        return None
    try:
        # As JavaScript reads it: without a byte order mark, and whatever the bytes are.
        found = json.loads(content.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("it is not a JSON object")
    return found


def _read(scope: Scope, path: Path) -> SettingsFile | None:
    try:
        values = read_object(path)
    except Unreadable as error:
        return SettingsFile(scope, str(path), problem=str(error))
    return None if values is None else SettingsFile(scope, str(path), values)


def _managed_files() -> Iterator[Path]:
    """The drop-ins override the base file, the last one first."""
    directory = _MANAGED.get(sys.platform, _MANAGED_ELSEWHERE)
    yield from sorted((directory / "managed-settings.d").glob("*.json"), reverse=True)
    yield directory / "managed-settings.json"
