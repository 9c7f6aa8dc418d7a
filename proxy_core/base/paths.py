"""Where everything is kept: one directory, private to its owner.

`VAULT_TUI_HOME` names it; otherwise it is the platform's user data directory. Clients only compute
names with it; the worker calls `prepare`, which creates the directory or refuses it.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.base.locating import home_path

# sun_path holds 108 bytes on Linux and 104 elsewhere, the closing NUL included.
_SOCKET_PATH_BYTES = 103
_PRIVATE = 0o700
_PASSABLE = 0o710


@dataclass(frozen=True, slots=True)
class Home:
    """The data directory of one worker. `runtime` is XDG_RUNTIME_DIR, or None."""

    path: Path
    runtime: Path | None = None

    @classmethod
    def locate(
        cls, override: str | None = None, environ: Mapping[str, str] | None = None
    ) -> "Home":
        """The home that `override`, `VAULT_TUI_HOME` or the platform names; touches no file."""
        env = os.environ if environ is None else environ
        # Made absolute without resolving: `prepare` must see a symlink.
        path = home_path(env, override or "")
        runtime = env.get("XDG_RUNTIME_DIR", "")
        return cls(Path(path), Path(runtime) if runtime else None)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "vault.db"

    @property
    def socket(self) -> Path:
        """The control socket; in the runtime directory when the path below home is too long.

        Raises VaultError: home_unusable, when neither fits a socket address.
        """
        below = self.path / "worker.sock"
        if len(os.fsencode(below)) <= _SOCKET_PATH_BYTES:
            return below
        if self.runtime is not None:
            digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
            aside = self.runtime / f"vault-tui-{digest}.sock"
            if len(os.fsencode(aside)) <= _SOCKET_PATH_BYTES:
                return aside
        raise VaultError(
            "home_unusable",
            f"{self.path} is too long to hold a socket; choose a shorter VAULT_TUI_HOME.",
        )

    @property
    def pid_file(self) -> Path:
        """Decimal process id of the running worker."""
        return self.path / "worker.pid"

    @property
    def lock_file(self) -> Path:
        """Held with flock for a worker's whole life; never removed."""
        return self.path / "worker.lock"

    @property
    def start_lock_file(self) -> Path:
        """Held with flock by whoever is starting a worker; never removed."""
        return self.path / "start.lock"

    @property
    def log_file(self) -> Path:
        """The worker's log when it runs in the background."""
        return self.path / "worker.log"

    @property
    def settings_dir(self) -> Path:
        """Settings of the console and the command line."""
        return self.path / "settings"

    def prepare(self, group: int | None = None) -> None:
        """Create or check the directory: ours, real, 0700 (0710 with `group`, who may pass only).

        Raises VaultError: home_unusable (symlink, foreign owner, not a directory, not writable).
        """
        try:
            make_private_directory(self.path)
            if group is not None:
                os.chown(self.path, -1, group)
                self.path.chmod(_PASSABLE)
        except OSError as error:
            raise _unusable(self.path, error.strerror or type(error).__name__) from error
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise _unusable(self.path, "it is not writable")


def make_private_directory(path: Path) -> None:
    """Create `path` (and its parents) with mode 0700, or check that it is ours and make it so.

    0710 stays: a running worker's operators pass through it to the control socket.

    Raises VaultError home_unusable for a symlink, a foreign owner or something else than a
    directory; OSError when it cannot be created.
    """
    if not os.path.lexists(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise _unusable(path, f"{path.parent} is not a directory") from None
        path.mkdir(mode=_PRIVATE, exist_ok=True)
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise _unusable(path, "it is a symbolic link")
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(path, "it is not a directory")
    if found.st_uid != os.geteuid():
        raise _unusable(path, "it belongs to another user")
    mode = stat.S_IMODE(found.st_mode)
    if mode & ~_PASSABLE or mode & _PRIVATE != _PRIVATE:
        path.chmod(_PRIVATE)


def open_private_file(path: Path, flags: int) -> int:
    """Open (creating with mode 0600) a regular file of ours; never through a symlink.

    Returns a descriptor that children do not inherit. Raises VaultError: home_unusable.
    """
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise _unusable(path, why or type(error).__name__) from error
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
        os.fchmod(descriptor, 0o600)
        return descriptor
    os.close(descriptor)
    regular = stat.S_ISREG(found.st_mode)
    raise _unusable(path, "it belongs to another user" if regular else "it is not a regular file")


def _unusable(path: Path, why: str) -> VaultError:
    return VaultError("home_unusable", f"{path} cannot be used: {why}.")
