"""A keyring that tests may write to."""

from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):  # type: ignore[no-untyped-call] # keyring's metaclass
    """A keyring backend that keeps its entries in memory."""

    # Below the one that keeps nothing: keyring takes it into account wherever it is imported, and
    # would choose it for tests that have no keyring.
    priority = -1  # type: ignore[assignment] # keyring asks for a class property

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """The entry, or None."""
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Make an entry."""
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Remove an entry."""
        del self.entries[service, username]
