"""The key slots and the DEK: setting up, unsealing, sealing, proving."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


class Keys:
    """`initialized` and `sealed` are answered from memory."""

    @property
    def initialized(self) -> bool:
        """Whether a first slot exists."""
        raise NotImplementedError

    @property
    def sealed(self) -> bool:
        """Whether no DEK is held."""
        raise NotImplementedError

    @property
    def slot_kinds(self) -> list[str]:
        """Kinds of the slots that exist, for the status."""
        raise NotImplementedError

    async def initialise(self, request: wire.InitRequest, by: Principal) -> wire.Sealed:
        """Make the DEK, its first slot, the root CA and the vault `default`; then open.

        `password` and, for a key file, the path in `secret`; a keyring slot needs none.
        Raises VaultError: conflict (initialised already), bad_request, keyring_unavailable.
        """
        raise NotImplementedError

    async def unseal(self, proof: wire.KeyProof, by: Principal) -> wire.Sealed:
        """Open with a password, or the key in base64; an empty secret lets the worker read
        its own keyring or key file. Raises VaultError: wrong_key, not_initialized."""
        raise NotImplementedError

    async def unseal_automatically(self, password: bytes | None = None) -> str | None:
        """Try keyring, key file, then `password`. Returns the slot's kind, None if none fits."""
        raise NotImplementedError

    async def seal(self, by: Principal) -> wire.Sealed:
        """Forget the DEK and every operator session."""
        raise NotImplementedError

    async def prove(self, proof: wire.KeyProof) -> None:
        """Check a proof against the slots; the secret must be given.

        Raises VaultError: wrong_key, sealed, not_initialized.
        """
        raise NotImplementedError

    async def add_slot(self, request: wire.InitRequest, by: Principal) -> wire.SlotInfo:
        """Wrap the DEK in one more slot. Raises VaultError: sealed, bad_request, …"""
        raise NotImplementedError

    async def slots(self) -> wire.SlotList:
        """What the slots are, never what opens them."""
        raise NotImplementedError
