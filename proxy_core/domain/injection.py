"""From a service and its secrets to header fields."""

from collections.abc import Callable

from proxy_core.domain.exchange import Injection
from proxy_core.domain.service import Service


def build_injection(service: Service, secret: Callable[[str], bytes]) -> Injection:
    """Header fields and substitutions. Raises VaultError substitution_invalid."""
    raise NotImplementedError
