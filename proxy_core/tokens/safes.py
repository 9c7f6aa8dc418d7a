"""Where a login's secrets are kept: the OS keyring, or else a file.

The class of the keyring is remembered: naming it again takes half the time of finding one, and a
program started elsewhere, without the desktop's environment, looks in the same place.
"""

from collections.abc import Callable
from typing import Any, Protocol

from proxy_core.base.errors import VaultError
from proxy_core.base.os_keyring import SERVICE_NAME, TIMEOUT_SECONDS, bounded, find_backend
from proxy_core.tokens.login import Kept, Login, LoginDirectory
from proxy_core.tokens.sealed_file import SealedFile


class Safe(Protocol):
    """Keeps one text."""

    def read(self) -> str | None:
        """The text; None if there is none. Raises VaultError keyring_unavailable, not_signed_in."""

    def write(self, text: str) -> None:
        """Keep this instead. Raises VaultError keyring_unavailable, home_unusable, OSError."""

    def delete(self) -> None:
        """Keep nothing. Raises as `read` does."""


class KeyringSafe:
    """One entry of an OS keyring; `make` finds the backend, within the time limit."""

    def __init__(
        self, directory: LoginDirectory, make: Callable[[], Any], patience: float = TIMEOUT_SECONDS
    ) -> None:
        self._entry = f"login {directory.home.path}"
        self._make = make
        self._patience = patience

    def read(self) -> str | None:
        """The entry."""
        found: str | None = bounded(lambda: self._make().get_password(SERVICE_NAME, self._entry))
        return found

    def write(self, text: str) -> None:
        """Set the entry, and see that it is there. Raises VaultError: keyring_unavailable."""

        def store() -> str | None:
            backend = self._make()
            backend.set_password(SERVICE_NAME, self._entry, text)
            kept: str | None = backend.get_password(SERVICE_NAME, self._entry)
            return kept

        if bounded(store, self._patience) != text:
            raise VaultError("keyring_unavailable", "The OS keyring did not keep the tokens.")

    def delete(self) -> None:
        """Remove the entry."""

        def remove() -> None:
            backend = self._make()
            if backend.get_password(SERVICE_NAME, self._entry) is not None:
                backend.delete_password(SERVICE_NAME, self._entry)

        bounded(remove)


def safe_of(directory: LoginDirectory, login: Login) -> Safe:
    """Where the secrets of this login are."""
    if login.kept == "keyring":
        return KeyringSafe(directory, lambda: _named(login.backend))
    return SealedFile(directory)


def store(
    directory: LoginDirectory, login: Login, text: str, patience: float = TIMEOUT_SECONDS
) -> tuple[Kept, str, str]:
    """Keep a login's secrets where they were, else where there is room.

    `patience`: the seconds that the OS keyring has, and the person whom it may ask to unlock it.

    Returns where, the keyring's class, and in a sentence why it is not the keyring (or nothing).
    Raises VaultError home_unusable, OSError: nowhere.
    """
    if login.kept == "file":
        SealedFile(directory).write(text)
        return "file", "", ""
    try:
        backend = login.backend or bounded(_found)
        KeyringSafe(directory, lambda: _named(backend), patience).write(text)
        return "keyring", backend, ""
    except VaultError as error:
        SealedFile(directory).write(text)
        return "file", "", error.detail


def _found() -> str:
    """The name of the class of the keyring to use."""
    backend = find_backend()
    # Of several that would do, the chainer's first is the one that it writes to.
    kind = type(next(iter(getattr(backend, "backends", ())), backend))
    return f"{kind.__module__}.{kind.__qualname__}"


def _named(name: str) -> Any:
    from keyring.core import load_keyring

    try:
        return load_keyring(name)
    except (ImportError, AttributeError, RuntimeError, ValueError):
        detail = "The OS keyring that holds the login can't be reached in this session."
        raise VaultError("keyring_unavailable", detail) from None
