"""What `vault-tui setup` did, kept until it is taken back: one private file for each program.

A receipt names files, keys and digests; no value that was or is in them. What the files held
before is in their backups, which lie beside them.
"""

from pathlib import Path

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, make_private_directory
from vault_tui.setup import files
from vault_tui.setup.documents import Keys


class KeyReceipt(msgspec.Struct, frozen=True):
    """A key that was written; `digest` of its value, empty where the key was taken away."""

    keys: Keys
    digest: str


class FileReceipt(msgspec.Struct, frozen=True):
    """A file that was written.

    `backup` holds what it was before, empty where there was none; `mode` its permissions then.
    `digest` is that of what was written last. `whole`: nobody else wrote in between, so that the
    backup may stand in its place again.
    """

    path: str
    kind: str
    backup: str
    mode: int
    digest: str
    keys: list[KeyReceipt]
    whole: bool = True


class Receipt(msgspec.Struct, frozen=True):
    """`agent` is the one whose token was written, if any."""

    tool: str
    mode: str
    vault: str
    files: list[FileReceipt]
    agent: str = ""


def load(home: Home, tool: str) -> Receipt | None:
    """Raises VaultError home_unusable for a damaged one."""
    path = _path(home, tool)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Receipt)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise VaultError("home_unusable", f"{path} is damaged; remove it.") from None


def save(home: Home, receipt: Receipt) -> None:
    """Keep it, in one step."""
    home.prepare()
    make_private_directory(home.settings_dir)
    make_private_directory(_path(home, receipt.tool).parent)
    files.write(_path(home, receipt.tool), msgspec.json.encode(receipt), files.PRIVATE)


def forget(home: Home, tool: str) -> None:
    """Remove it, if there is one."""
    _path(home, tool).unlink(missing_ok=True)


def _path(home: Home, tool: str) -> Path:
    return home.settings_dir / "setup" / f"{tool}.json"
