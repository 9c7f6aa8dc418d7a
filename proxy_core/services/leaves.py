"""The root CA while the vault is open: leaves for the data path, the certificate for everyone."""

import ssl


class Leaves:
    """Implements `mitm.ports.LeafSource`."""

    @property
    def ca_pem(self) -> str:
        """The root certificate; served while sealed. VaultError: not_initialized."""
        raise NotImplementedError

    def context_for(self, host: str) -> ssl.SSLContext:
        """Raises VaultError: sealed."""
        raise NotImplementedError
