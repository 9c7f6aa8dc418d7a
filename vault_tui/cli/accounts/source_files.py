"""Files in which other tools keep accounts: where they are, and how one is replaced safely."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.importing import (
    CLAUDE_FILE,
    REGISTRY_FILE,
    Importable,
    Registered,
    placeholder_text,
    read_account,
    read_registry,
)
from vault_tui.cli import secret_input
from vault_tui.cli.preferences import write_file

_CCS_FILES = "claude-*.json"


@dataclass(frozen=True, slots=True)
class Source:
    """A file with an account in it. `text` is what it held when it was read."""

    path: Path
    text: str = field(repr=False)
    found: Importable


def usual_places() -> list[Path]:
    """Where Claude Code and CCS keep theirs, as far as that is there."""
    claude = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude") / CLAUDE_FILE
    ccs = Path.home() / ".ccs" / "cliproxy"
    return [path for path in (claude, ccs) if path.exists()]


def files_in(path: Path) -> list[Path]:
    """The token files that a path names: itself, or those in a directory of one of the tools.

    Raises VaultError: not_found.
    """
    if not path.is_dir():
        if not path.exists():
            raise VaultError("not_found", f"There is no {path}.")
        return [path]
    places = (path, path / "auth", path / "cliproxy" / "auth")
    found = [one for place in places for one in sorted(place.glob(_CCS_FILES))]
    if (path / CLAUDE_FILE).is_file():
        found.insert(0, path / CLAUDE_FILE)
    if not found:
        raise VaultError("not_found", f"{path} holds neither {CLAUDE_FILE} nor {_CCS_FILES}.")
    return found


def read_source(path: Path) -> Source:
    """Raises VaultError bad_request for what holds no tokens; OSError."""
    text = secret_input.from_file(path)
    found = read_account(text, path.name, _registry_of(path), time.time())
    return Source(path, text, found)


def replace_source(source: Source) -> Path:
    """Put a placeholder file in its place; the backup's path, beside it, readable by its owner.

    Raises VaultError conflict when the file was changed since it was read; OSError.
    """
    path = source.path.resolve()  # where a link leads: the link itself stays
    if secret_input.from_file(path) != source.text:
        raise VaultError("conflict", f"{path} was changed meanwhile: import it again.")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    backup = path.with_name(f"{path.name}.backup-{stamp}")
    if backup.exists():
        raise VaultError("conflict", f"{backup} is there already.")
    write_file(backup, source.text.encode(), 0o600)
    write_file(path, placeholder_text(source.found.document).encode(), 0o600)
    return backup


def _registry_of(path: Path) -> dict[str, Registered]:
    """Of the directory above, where CCS keeps it, or beside the file."""
    for directory in (path.parent.parent, path.parent):
        registry = directory / REGISTRY_FILE
        if registry.is_file():
            return read_registry(secret_input.from_file(registry))
    return {}
