"""What is known of the login: whose, where from, until when, where its tokens are. No secret."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, make_private_directory, open_private_file
from proxy_core.tokens.quick import DIRECTORY, LOGIN_FILE
from proxy_core.tokens.repeats import YOUNG_SECONDS

Kept = Literal["", "keyring", "file"]
Printed = Literal["access", "id"]
AuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]

_INTENT_FILE = "refresh.begun"
_FAILURE_FILE = "refresh.failed"
_ROOM = bytes(64 * 1024)
_LOCK_FILE = "login.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One login: at an issuer as a client, or, with `vault`, at this machine's worker.

    `kept` says where the tokens are; empty: there are none, and this is how to sign in again.
    `backend` is the class of the OS keyring that holds them. `printed`: which token is asked for.
    `auth_method`: how the client proves itself; its secret is with the tokens. `ca_file` names CAs
    that count for the issuer beside the system's.
    `expires_at` is that token's end and `refresh_at` when it is due, in epoch seconds, None where
    nobody tells; `refreshable`: there is a refresh token. `session_id` is the worker's session.
    """

    issuer: str = ""
    client_id: str = ""
    token_url: str = ""
    authorization_url: str = ""
    device_url: str = ""
    revocation_url: str = ""
    redirect_uri: str = ""
    audience: str = ""
    scopes: str = ""
    auth_method: AuthMethod = "none"
    ca_file: str = ""
    printed: Printed = "access"
    vault: str = ""
    session_id: str = ""
    subject: str = ""
    email: str = ""
    expires_at: float | None = None
    refresh_at: float | None = None
    refreshable: bool = False
    kept: Kept = ""
    backend: str = ""


_KNOWN = frozenset(field.name for field in fields(Login))


class LoginDirectory:
    """The directory in the home: the login's file, its lock, and the mark of a refresh begun."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.path = home.path / DIRECTORY

    def load(self) -> Login | None:
        """The login; None without one.

        Raises VaultError home_unusable for a file that is damaged, or of a newer version: what that
        has written down would be lost with the next refresh.
        """
        path = self.path / LOGIN_FILE
        try:
            document = json.loads(path.read_bytes())
            if isinstance(document, dict) and not _KNOWN.issuperset(document):
                raise VaultError(
                    "home_unusable",
                    f"{path} is of a newer version of vault-tui: use that one, or remove the file, "
                    "and sign in again.",
                )
            return _parsed(document)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, RecursionError):
            raise VaultError(
                "home_unusable", f"{path} is damaged; remove it, and sign in again."
            ) from None

    def save(self, login: Login) -> None:
        """Write the file, durably. Raises VaultError home_unusable, OSError."""
        self.write(LOGIN_FILE, json.dumps(asdict(login), indent=1).encode())

    def forget(self) -> None:
        """Remove everything but the lock, which others may be waiting for."""
        for path in self.path.iterdir():
            if path.name != _LOCK_FILE:
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else refreshes, signs in or out meanwhile, in any process."""
        import fcntl

        self._prepare()
        descriptor = open_private_file(self.path / _LOCK_FILE, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def begin_refresh(self) -> None:
        """Mark that the refresh token is about to be used, with room for what will come of it.

        Not synced: after a power cut the mark explains a refusal, it changes nothing. Raises
        VaultError home_unusable, OSError: better now than with a new pair and no room to store it.
        """
        descriptor = open_private_file(self.path / _INTENT_FILE, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_ROOM)

    def use_room(self) -> None:
        """Give back the room that was kept; the mark stays."""
        os.truncate(self.path / _INTENT_FILE, 0)

    def end_refresh(self) -> None:
        """Take the mark away: what came of it is stored."""
        (self.path / _INTENT_FILE).unlink(missing_ok=True)

    def note_failure(self, reason: str) -> None:
        """Let whoever waits for this refresh know why it failed."""
        descriptor = open_private_file(self.path / _FAILURE_FILE, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{time.time()}\n{reason}".encode())

    def failure_since(self, asked_at: float) -> str:
        """Why a refresh failed after `asked_at`, in epoch seconds; empty if none did."""
        try:
            failed_at, _, reason = (self.path / _FAILURE_FILE).read_text().partition("\n")
            return reason if float(failed_at) > asked_at else ""
        except (FileNotFoundError, ValueError):
            return ""

    def made_before(self, refused_since: float | None) -> bool:
        """Whether the login's tokens are those of that time, and not too young to be replaced."""
        if refused_since is None:
            return False
        made_at = self.made_at
        return made_at <= refused_since and time.time() - made_at >= YOUNG_SECONDS

    @property
    def made_at(self) -> float:
        """When the login's tokens were obtained, in epoch seconds. Raises OSError without one."""
        return (self.path / LOGIN_FILE).stat().st_mtime

    @property
    def refresh_begun(self) -> bool:
        """Whether a refresh was begun whose result was never stored."""
        return (self.path / _INTENT_FILE).exists()

    def write(self, name: str, content: bytes) -> None:
        """Replace a file (0600) whole and durably, or leave it as it was."""
        self._prepare()
        temporary = self.path / f".{name}.{os.getpid()}"
        descriptor = open_private_file(temporary, os.O_WRONLY | os.O_TRUNC)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path / name)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(self.path)

    def _prepare(self) -> None:
        self.home.prepare()
        make_private_directory(self.path)


def _parsed(document: Any) -> Login:
    """Raises ValueError, TypeError: it is no login."""
    login = Login(**document)
    for field in fields(Login):
        value = getattr(login, field.name)
        if field.name in ("expires_at", "refresh_at"):
            right = value is None or (isinstance(value, int | float) and value == value)
        else:
            right = type(value) is type(field.default)
        if not right:
            raise ValueError(field.name)
    for name, kinds in (("kept", Kept), ("printed", Printed), ("auth_method", AuthMethod)):
        if getattr(login, name) not in get_args(kinds):
            raise ValueError(name)
    return login


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
