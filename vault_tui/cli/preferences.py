"""What the command line remembers between runs: one small JSON file in the home's settings."""

import os
from pathlib import Path

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, make_private_directory


class Preferences(msgspec.Struct, frozen=True):
    """`vault` is the one `vault-tui vault use` chose; empty: `default`."""

    vault: str = ""


def load(home: Home) -> Preferences:
    """What was saved, or the defaults. Raises VaultError home_unusable for a damaged file."""
    path = _path(home)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Preferences)
    except FileNotFoundError:
        return Preferences()
    except msgspec.DecodeError:
        raise VaultError("home_unusable", f"{path} is damaged; remove it.") from None


def save(home: Home, preferences: Preferences) -> None:
    """Write the file (0600) in one step."""
    home.prepare()
    make_private_directory(home.settings_dir)
    write_file(_path(home), msgspec.json.encode(preferences), 0o600)


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Replace `path` by a complete file with `mode`, or leave it as it was."""
    import tempfile

    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _path(home: Home) -> Path:
    return home.settings_dir / "cli.json"
