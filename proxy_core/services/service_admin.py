"""Services of a vault: list, upsert, replace, remove, enable, and the match test."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal


class ServiceAdmin:
    """Documents are validated whole before anything is stored."""

    async def list(self, vault: str) -> wire.ServiceList:
        """Documents with `hits`, `last_hit_at` and, where keys are missing, `missing_credentials`."""
        raise NotImplementedError

    async def upsert(
        self, vault: str, request: wire.ServicesRequest, by: Principal
    ) -> wire.ServicesUpserted:
        """Add or replace by name. Raises VaultError: bad_request."""
        raise NotImplementedError

    async def replace(
        self, vault: str, request: wire.ServicesRequest, by: Principal
    ) -> wire.ServicesReplaced:
        """All of them, in the order given. Raises VaultError: bad_request."""
        raise NotImplementedError

    async def clear(self, vault: str, by: Principal) -> wire.ServicesCleared:
        """Remove all."""
        raise NotImplementedError

    async def remove(self, vault: str, name_or_host: str, by: Principal) -> wire.ServiceRemoved:
        """Raises VaultError: not_found, ambiguous_host (with candidates)."""
        raise NotImplementedError

    async def patch(
        self, vault: str, name_or_host: str, request: wire.ServicePatch, by: Principal
    ) -> wire.ServicesUpserted:
        """Enable or disable. Raises VaultError: not_found, ambiguous_host (with candidates)."""
        raise NotImplementedError

    async def credential_usage(self, vault: str, key: str) -> wire.CredentialUsage:
        """The services that name the credential."""
        raise NotImplementedError

    async def test(self, vault: str, request: wire.MatchTest) -> wire.MatchResult:
        """What would happen to a request, and why. Raises VaultError: bad_request."""
        raise NotImplementedError
