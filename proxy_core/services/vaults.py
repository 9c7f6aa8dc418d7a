"""Vaults: create, list, rename, delete, and what happens to unmatched hosts."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


class Vaults:
    """Every method that names a vault raises VaultError vault_not_found for an unknown one."""

    async def create(self, request: wire.VaultName, by: Principal) -> wire.Vault:
        """An agent that creates a vault becomes its admin. VaultError: conflict, bad_request."""
        raise NotImplementedError

    async def list(self, by: Principal) -> wire.VaultList:
        """The vaults that the principal may see, by name."""
        raise NotImplementedError

    async def rename(self, vault: str, request: wire.VaultName, by: Principal) -> wire.Vault:
        """Raises VaultError: conflict, bad_request (`default` keeps its name)."""
        raise NotImplementedError

    async def delete(self, vault: str, by: Principal) -> wire.VaultDeleted:
        """With all it holds. Raises VaultError: bad_request for `default`."""
        raise NotImplementedError

    async def settings(self, vault: str) -> wire.VaultSettings:
        """What the vault does with unmatched hosts."""
        raise NotImplementedError

    async def change_settings(
        self, vault: str, request: wire.VaultSettings, by: Principal
    ) -> wire.VaultSettings:
        """Counts at the next request. Raises VaultError: bad_request."""
        raise NotImplementedError
