"""Where one is signed in: a token for each worker's address, in one file (0600) of the home.

The token is as good as the password for as long as the session lives; the file is ours alone, as
the agent-proof boundary is another user or a container.
"""

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, make_private_directory
from vault_tui.cli.preferences import write_file

_MODE = 0o600


class SignIn(msgspec.Struct, frozen=True):
    """Who is signed in at an address, until when (RFC 3339)."""

    email: str
    token: str
    expires_at: str

    def __repr__(self) -> str:
        return f"SignIn(email={self.email!r})"


def of(home: Home, address: str) -> SignIn | None:
    """Who is signed in there. Raises VaultError home_unusable for a damaged file."""
    return _read(home).get(address)


def keep(home: Home, address: str, signed_in: SignIn) -> None:
    """Remember a session, instead of the one that was there."""
    _write(home, {**_read(home), address: signed_in})


def forget(home: Home, address: str) -> None:
    """Forget the session at an address."""
    kept = _read(home)
    if kept.pop(address, None) is not None:
        _write(home, kept)


def _read(home: Home) -> dict[str, SignIn]:
    path = home.settings_dir / "sign-ins.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, SignIn])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError:
        raise VaultError("home_unusable", f"{path} is damaged; remove it.") from None


def _write(home: Home, kept: dict[str, SignIn]) -> None:
    home.prepare()
    make_private_directory(home.settings_dir)
    write_file(home.settings_dir / "sign-ins.json", msgspec.json.encode(kept), _MODE)
