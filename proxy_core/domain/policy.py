"""Whether a request may go on, and with which service."""

from proxy_core.domain.exchange import Decision, RequestFacts
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.service import UnmatchedHostPolicy


def decide(
    index: ServiceIndex,
    unmatched_policy: UnmatchedHostPolicy,
    facts: RequestFacts,
    allow_http: bool,
    vault: str,
) -> Decision:
    """Decide one request. Raises VaultError with the contract's codes and extras."""
    raise NotImplementedError
