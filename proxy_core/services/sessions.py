"""Scoped sessions: short-lived tokens with the proxy role in one vault."""

from proxy_core.domain import wire
from proxy_core.services.principal import Principal

MIN_TTL_SECONDS, MAX_TTL_SECONDS = 300, 604_800


class Sessions:
    """Expired sessions are neither listed nor kept."""

    async def create(
        self, request: wire.CreateSession, by: Principal, av_addr: str
    ) -> wire.SessionCreated:
        """Raises VaultError: vault_not_found, bad_request (ttl, label, run_pid)."""
        raise NotImplementedError

    async def list(self, vault: str) -> wire.SessionList:
        """Live ones, newest first."""
        raise NotImplementedError

    async def revoke(self, vault: str, session_id: str, by: Principal) -> wire.Deleted:
        """Its connections end at once. Raises VaultError: not_found."""
        raise NotImplementedError
