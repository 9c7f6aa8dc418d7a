"""Every setting of the worker: name, type, bounds, default, meaning. Makes docs/settings.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from typing import Any, Final

from proxy_core.base.errors import VaultError
from proxy_core.mitm.config import KIB, MIB, ProxyConfig

_DAY: Final = 86_400
_MAX_CIDRS: Final = 256
_PROXY = ProxyConfig()


@dataclass(frozen=True, slots=True)
class Definition:
    """`low` and `high` bound a number, both included. A list's default is empty."""

    name: str
    default: Any
    description: str
    low: float = 0
    high: float = 0
    proxy: bool = False
    """Whether it is the field of that name of ProxyConfig."""
    narrow: bool = False
    """Whether a network of the list must be less than all there is."""

    def check(self, value: Any) -> Any:
        """The value as it is kept. Raises VaultError: bad_request."""
        if isinstance(self.default, list):
            return _networks(self, value)
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise VaultError("bad_request", f"{self.name} must be true or false")
            return value
        allowed = (int, float) if isinstance(self.default, float) else (int,)
        if isinstance(value, bool) or not isinstance(value, allowed):
            kind = "a number" if isinstance(self.default, float) else "a whole number"
            raise VaultError("bad_request", f"{self.name} must be {kind}")
        if not self.low <= value <= self.high:
            raise VaultError("bad_request", f"{self.name} must be {self.low:g} to {self.high:g}")
        return type(self.default)(value)


def _limit(name: str, low: float, high: float, description: str) -> Definition:
    return Definition(name, getattr(_PROXY, name), description, low, high, proxy=True)


DEFINITIONS: Final[Mapping[str, Definition]] = {
    definition.name: definition
    for definition in (
        Definition(
            "allow_cidrs",
            [],
            "Private networks that agents may reach, as CIDR; never cloud metadata.",
        ),
        Definition(
            "trusted_proxies",
            [],
            "Reverse proxies, as CIDR, whose X-Forwarded-For says where requests to the API and "
            "the gateway come from.",
            proxy=True,
            narrow=True,
        ),
        Definition(
            "unlock_minutes",
            15,
            "Minutes from its last use for which an operator session holds.",
            1,
            720,
        ),
        Definition(
            "user_session_minutes",
            720,
            "Minutes for which a user who signed in over the network stays so.",
            5,
            43_200,
        ),
        Definition(
            "user_session_sliding",
            True,
            "Count them from the session's last change, for 30 days at most, not from its start.",
        ),
        Definition(
            "user_proof_minutes",
            15,
            "Minutes for which a user's password need not be proved again to reveal or to rule.",
            1,
            720,
        ),
        Definition(
            "auto_seal_minutes",
            0,
            "Minutes without a request or operator until the vault seals itself; 0: never.",
            0,
            10_080,
        ),
        Definition("log_retention_days", 30, "Days that request records are kept.", 1, 3650),
        Definition(
            "log_retention_rows",
            1_000_000,
            "Request records kept at most; the oldest go first.",
            1000,
            100_000_000,
        ),
        Definition(
            "proposal_retention_days",
            90,
            "Days that proposals are kept once they were decided or have expired.",
            1,
            3650,
        ),
        Definition(
            "webhook_disable_days",
            7,
            "Days of failures alone after which a webhook is switched off; 0: never.",
            0,
            365,
        ),
        Definition(
            "audit_retention_days", 730, "Days that the audit is kept; 0: for ever.", 0, 36_500
        ),
        Definition(
            "gateway_models",
            True,
            "Ask the upstream which models there are when Claude Code does, signed in at the "
            "gateway; else it keeps to its own list.",
        ),
        Definition(
            "hold_seconds", 120, "Seconds that a request waits for an operator's answer.", 1, 3600
        ),
        Definition("max_holds", 200, "Requests that may wait for an operator at once.", 0, 10_000),
        Definition("max_holds_per_agent", 20, "Such requests of one token.", 0, 10_000),
        Definition(
            "agent_requests_per_second", 0.0, "Requests of one agent a second; 0: any.", 0, 100_000
        ),
        Definition("agent_burst", 100, "Requests of one agent beyond that rate.", 1, 100_000),
        Definition("agent_concurrency", 0, "Requests of one agent at once; 0: any.", 0, 100_000),
        Definition(
            "vault_requests_per_second", 0.0, "Requests of one vault a second; 0: any.", 0, 100_000
        ),
        Definition("vault_burst", 500, "Requests of one vault beyond that rate.", 1, 100_000),
        Definition("vault_concurrency", 0, "Requests of one vault at once; 0: any.", 0, 100_000),
        Definition(
            "auth_failures_per_minute",
            60,
            "Wrong tokens of one client address before 429; 0: any number.",
            0,
            1_000_000,
        ),
        _limit("max_connections", 1, 100_000, "Client connections at once."),
        _limit("max_connections_per_agent", 1, 100_000, "Client connections of one token."),
        _limit("head_limit", 4 * KIB, MIB, "Bytes of a request or response head."),
        _limit("head_fields_limit", 10, 10_000, "Fields of a request or response head."),
        _limit("request_body_limit", KIB, 1024 * 1024 * MIB, "Bytes of a request body."),
        _limit(
            "substitution_limit",
            KIB,
            1024 * MIB,
            "Bytes of a request body in which placeholders are replaced.",
        ),
        _limit(
            "replay_limit",
            0,
            1024 * MIB,
            "Bytes of a request body that are kept to send it again with another credential.",
        ),
        _limit("body_memory", MIB, 1024 * 1024 * MIB, "Bytes of request bodies held at once."),
        _limit("interim_limit", 0, 1000, "1xx answers before the final one."),
        _limit("client_idle", 1, _DAY, "Seconds that a client connection may wait for a request."),
        _limit("head_timeout", 1, 3600, "Seconds from a request head's first byte to its last."),
        _limit("tls_timeout", 1, 3600, "Seconds for a client's TLS handshake."),
        _limit("connect_timeout", 0.1, 3600, "Seconds to connect to an upstream address."),
        _limit("response_head_timeout", 1, _DAY, "Seconds to wait for an upstream's answer."),
        _limit("body_idle", 1, _DAY, "Seconds that a body in transit may stand still."),
        _limit("tunnel_idle", 1, 7 * _DAY, "Seconds that a WebSocket may be silent."),
        _limit("pool_per_host", 0, 10_000, "Idle connections kept to one upstream."),
        _limit("pool_total", 0, 100_000, "Idle connections kept in all."),
        Definition(
            "allow_unreadable",
            False,
            "Pass responses in which injected secrets can't be searched for, instead of 502.",
            proxy=True,
        ),
        _limit("pool_idle", 0, 3600, "Seconds that an idle upstream connection is kept."),
    )
}


def checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes as they are kept; None takes a setting back to its default.

    Raises VaultError: bad_request, for an unknown name too.
    """
    result: dict[str, Any] = {}
    for name, value in changes.items():
        definition = DEFINITIONS.get(name)
        if definition is None:
            raise VaultError("bad_request", f"there is no setting {name!r}")
        result[name] = None if value is None else definition.check(value)
    return result


def _networks(definition: Definition, value: Any) -> list[str]:
    name = definition.name
    if not isinstance(value, list) or len(value) > _MAX_CIDRS:
        raise VaultError("bad_request", f"{name} must be a list of at most {_MAX_CIDRS} networks")
    networks: list[str] = []
    for item in value:
        try:
            network = ip_network(item) if isinstance(item, str) else _refuse()
        except ValueError:
            raise VaultError("bad_request", f"{name}: {item!r} is not a network in CIDR") from None
        if definition.narrow and not network.prefixlen:
            raise VaultError("bad_request", f"{name}: {item!r} is everybody")
        networks.append(str(network))
    return list(dict.fromkeys(networks))


def _refuse() -> IPv4Network:
    raise ValueError("a network is a string")
