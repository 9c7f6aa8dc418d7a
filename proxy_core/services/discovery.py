"""What an agent may know of a vault."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


class Discoveries:
    """Names only."""

    async def discover(self, by: Principal, vault: str | None) -> wire.Discovery:
        """`vault` None: the principal's only one. VaultError: vault_required, vault_forbidden."""
        raise NotImplementedError
