"""Which requests a service covers, compared with another: where a credential may go."""

from proxy_core.domain.globs import compile_glob
from proxy_core.domain.service import Action, Service


def covers_host(wide: Service, narrow: Service) -> bool:
    """Whether every host and port of `narrow` is one of `wide`."""
    return wide.port in (0, narrow.port) and _within(narrow.host, wide.host)


def covers(wide: Service, narrow: Service) -> bool:
    """Whether every request of `narrow` is one of `wide`, as far as patterns tell."""
    if not covers_host(wide, narrow):
        return False
    if not wide.path or wide.path == narrow.path:
        return True
    # A glob that matches the other's text matches all that the other does: `*` stands for itself.
    return bool(narrow.path) and compile_glob(wide.path).matches(narrow.path)


def meets(one: Service, other: Service) -> bool:
    """Whether the two can cover the same host and port."""
    if one.port and other.port and one.port != other.port:
        return False
    return _within(one.host, other.host) or _within(other.host, one.host)


def restricts(service: Service) -> bool:
    """Whether a rule of the service denies, or asks an operator."""
    return any(rule.action is not Action.ALLOW for rule in service.rules)


def keeps_rules(before: Service, after: Service) -> bool:
    """Whether whatever was denied or asked about still is, as far as the order of rules tells.

    The first match wins: rules behind the old ones, and denials anywhere, only narrow.
    """
    if not restricts(before):
        return True
    kept = [rule for rule in after.rules if rule.action is not Action.DENY or rule in before.rules]
    return tuple(kept[: len(before.rules)]) == before.rules


def _within(host: str, pattern: str) -> bool:
    """Whether every name of `host`, itself perhaps `*.suffix`, is one of `pattern`."""
    if host == pattern:
        return True
    if not pattern.startswith("*."):
        return False
    return host.endswith(pattern[1:]) and "." not in host[: 1 - len(pattern)]
