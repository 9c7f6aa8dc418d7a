"""Credentials: set, list, reveal, delete; versions and their restoration."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


class Credentials:
    """Values are sealed before they reach the store, and unsealed only to be revealed."""

    async def set(self, request: wire.SetCredentials, by: Principal) -> wire.CredentialsSet:
        """All or none; older values stay as versions. VaultError: sealed, bad_request."""
        raise NotImplementedError

    async def delete(
        self, request: wire.DeleteCredentials, by: Principal
    ) -> wire.CredentialsDeleted:
        """All or none, versions included. The event names the services that break.

        Raises VaultError: not_found.
        """
        raise NotImplementedError

    async def names(self, vault: str) -> wire.CredentialList:
        """Keys alone."""
        raise NotImplementedError

    async def list(self, vault: str, key: str = "") -> wire.CredentialList:
        """Keys and metadata, without values; of `key` alone when given (VaultError not_found)."""
        raise NotImplementedError

    async def reveal(self, vault: str, by: Principal, key: str = "") -> wire.CredentialList:
        """As `list`, with values; every reveal is announced. VaultError: sealed, not_found."""
        raise NotImplementedError

    async def history(self, vault: str, key: str) -> wire.CredentialHistory:
        """Versions, newest first. Raises VaultError: not_found."""
        raise NotImplementedError

    async def restore(
        self, key: str, request: wire.RestoreCredential, by: Principal
    ) -> wire.CredentialsSet:
        """An old value becomes the newest version. Raises VaultError: not_found, sealed."""
        raise NotImplementedError
