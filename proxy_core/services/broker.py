"""Answers the data path from the snapshot: who, whether, and with which secret."""

from proxy_core.domain.exchange import Access, Decision, Injection, RequestFacts
from proxy_core.domain.traffic import RequestRecord, RequestStart


class Broker:
    """Implements `mitm.ports.Broker`; waits for no database."""

    def authenticate(self, proxy_authorization: bytes | None) -> Access:
        """Raises VaultError: proxy_auth_required."""
        raise NotImplementedError

    def decide(self, access: Access, facts: RequestFacts) -> Decision:
        """See `mitm.ports.Broker`."""
        raise NotImplementedError

    async def inject(self, decision: Decision) -> Injection:
        """See `mitm.ports.Broker`."""
        raise NotImplementedError

    def started(self, start: RequestStart) -> None:
        """See `mitm.ports.Broker`."""
        raise NotImplementedError

    def finished(self, record: RequestRecord) -> None:
        """See `mitm.ports.Broker`."""
        raise NotImplementedError
