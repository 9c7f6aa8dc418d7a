"""Which requests a service covers, compared with another: where a credential may go."""

from dataclasses import replace

from proxy_core.domain.globs import compile_glob
from proxy_core.domain.service import Action, Service


def covers_host(wide: Service, narrow: Service) -> bool:
    """Whether every host and port of `narrow` is one of `wide`."""
    if wide.port not in (0, narrow.port):
        return False
    if wide.host == narrow.host:
        return True
    suffix = wide.host.removeprefix("*")
    return (
        wide.host.startswith("*.")
        and narrow.host.endswith(suffix)
        and "." not in narrow.host.removesuffix(suffix)
    )


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
    portless = (_any_port(one), _any_port(other))
    return covers_host(*portless) or covers_host(*reversed(portless))


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


def _any_port(service: Service) -> Service:
    return replace(service, port=0)
