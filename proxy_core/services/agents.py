"""Agents: named tokens with an instance role and grants."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


class Agents:
    """Names are unique; a token is in the answer that made it and nowhere else."""

    async def create(self, request: wire.CreateAgent, by: Principal) -> wire.AgentCreated:
        """Raises VaultError: conflict, bad_request, vault_not_found."""
        raise NotImplementedError

    async def list(self, vault: str | None = None) -> wire.AgentList:
        """All agents, or those granted a vault."""
        raise NotImplementedError

    async def get(self, name: str) -> wire.AgentInfo:
        """Raises VaultError: not_found."""
        raise NotImplementedError

    async def rotate(self, name: str, by: Principal) -> wire.AgentCreated:
        """A new token; the old one's connections end at once."""
        raise NotImplementedError

    async def rename(self, name: str, request: wire.Rename, by: Principal) -> wire.AgentInfo:
        """Raises VaultError: not_found, conflict, bad_request."""
        raise NotImplementedError

    async def change_role(self, name: str, role: str, by: Principal) -> wire.AgentInfo:
        """The instance role. Raises VaultError: not_found, bad_request."""
        raise NotImplementedError

    async def delete(self, name: str, by: Principal) -> wire.Deleted:
        """Its connections end at once. Raises VaultError: not_found."""
        raise NotImplementedError

    async def grant(self, name: str, grant: wire.AgentVault, by: Principal) -> wire.AgentInfo:
        """Give or change a role in a vault. VaultError: not_found, vault_not_found."""
        raise NotImplementedError

    async def revoke_grant(self, name: str, vault: str, by: Principal) -> wire.AgentInfo:
        """Raises VaultError: not_found (also when there was no grant), vault_not_found."""
        raise NotImplementedError
