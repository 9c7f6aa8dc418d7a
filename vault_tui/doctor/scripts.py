"""Commands that a project's settings name, and which of them a person has trusted.

Claude Code runs them without asking. What is trusted is one exact text: the SHA-256 covers the
setting's name, the command, and each file of the project that the command names. It is kept with
the settings file's path in the data directory (0600); any change has to be trusted anew.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, make_private_directory
from proxy_core.domain.doctor import ProjectScript
from proxy_core.domain.doctor.settings_rules import SCRIPT_SETTINGS
from vault_tui.doctor.settings_files import Unreadable, project_files, read_bytes, read_object

WHOLE_FILE = "the whole file"
"""In place of a setting's name, where the file could not be understood."""
_WORD = re.compile(r"[\w.~/@+-]+")
_PROJECT_VARIABLE = re.compile(r"\$\{?CLAUDE_PROJECT_DIR\}?")


class Trusted(msgspec.Struct, frozen=True):
    """What a person has trusted; `text` is for their lists alone."""

    path: str
    setting: str
    sha256: str
    text: str = ""


class TrustStore:
    """The trusted texts of one home; read at each question, since others may write."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.settings_dir / "trust.json"

    def all(self) -> list[Trusted]:
        """In the order of trusting. Raises VaultError home_unusable for a damaged file."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[Trusted])
        except FileNotFoundError:
            return []
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise VaultError("home_unusable", f"{self._path} is damaged; remove it.") from None

    def trust(self, scripts: Iterable[ProjectScript]) -> None:
        """Keep these; an earlier form of the same setting is forgotten."""
        new = [Trusted(s.path, s.setting, s.sha256, s.text) for s in scripts if s.sha256]
        replaced = {(one.path, one.setting) for one in new}
        kept = [one for one in self.all() if (one.path, one.setting) not in replaced]
        self._write([*kept, *new])

    def revoke(self, path: Path) -> list[Trusted]:
        """Forget what was trusted of a settings file, or of a directory; what it was."""
        place = str(path.resolve())
        gone = [one for one in self.all() if one.path == place or one.path.startswith(f"{place}/")]
        if gone:
            self._write([one for one in self.all() if one not in gone])
        return gone

    def _write(self, trusted: list[Trusted]) -> None:
        from vault_tui.cli.preferences import write_file

        self._home.prepare()
        make_private_directory(self._home.settings_dir)
        write_file(self._path, msgspec.json.encode(trusted), 0o600)


def project_scripts(
    directory: Path, environ: Mapping[str, str], store: TrustStore
) -> list[ProjectScript]:
    """The commands of every settings file that comes with a project, and whether they are trusted.

    Raises VaultError: home_unusable.
    """
    known = {(one.path, one.setting, one.sha256) for one in store.all()}
    found = []
    for _, path in project_files(directory, environ):
        for setting, text, digest in _commands(path):
            trusted = bool(digest) and (str(path), setting, digest) in known
            found.append(ProjectScript(setting, str(path), text, digest, trusted))
    return found


def _commands(path: Path) -> Iterable[tuple[str, str, str]]:
    """(setting, text, SHA-256) of each command; a file that cannot be understood counts as one."""
    try:
        values = read_object(path)
    except Unreadable:
        return [_whole(path)]
    base = path.parent.parent
    return [
        (name, text, _digest(name, text, base))
        for name in SCRIPT_SETTINGS
        if (text := _text((values or {}).get(name)))
    ]


def _whole(path: Path) -> tuple[str, str, str]:
    """What it holds may mean something to another reader; too large or no file: never trusted."""
    try:
        content = read_bytes(path) or b""
    except Unreadable as error:
        return WHOLE_FILE, str(error), ""
    return WHOLE_FILE, content.decode("utf-8", "replace"), hashlib.sha256(content).hexdigest()


def _text(value: Any) -> str:
    if not value or isinstance(value, str):
        return value or ""
    return json.dumps(value, sort_keys=True)


def _digest(setting: str, text: str, base: Path) -> str:
    """Empty where a file that it names cannot be read: that is never trusted."""
    files: list[tuple[str, str]] = []
    for name in sorted(_words(text)):
        try:
            content = _own_file(base, name)
        except Unreadable:
            return ""
        if content is not None:
            files.append((name, hashlib.sha256(content).hexdigest()))
    return hashlib.sha256(json.dumps([setting, text, files]).encode()).hexdigest()


def _words(text: str) -> set[str]:
    """Whatever in the command may be a file's name."""
    here = _PROJECT_VARIABLE.sub(".", text)
    try:
        words = set(shlex.split(here))
    except ValueError:
        words = set()
    return words | set(_WORD.findall(here))


def _own_file(base: Path, name: str) -> bytes | None:
    """A file of the project; None for anything else, as programs of the system."""
    path = base / name
    try:
        inside = path.resolve().is_relative_to(base.resolve())
        is_file = path.is_file()
    except (OSError, ValueError, RuntimeError):
        return None
    return read_bytes(path) if inside and is_file else None
