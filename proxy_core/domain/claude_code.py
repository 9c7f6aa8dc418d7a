"""What Claude Code needs of a vault: services for its hosts, and a text in place of its token."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy_core.domain.accounts.providers import CLAUDE
from proxy_core.domain.gateway import by_prefix
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.service_document import parse_service
from proxy_core.domain.setup_services import ANTHROPIC_PREFIX, GatewayWanted

PLACEHOLDER = "__PLACEHOLDER__"
"""Stands for the token: it takes any text, and the proxy puts the real one in its place."""
TOKEN_VARIABLE = "CLAUDE_CODE_OAUTH_TOKEN"  # noqa: S105 - a variable's name

# Each of these wins over the placeholder: then nothing, or something else, is attached.
STRONGER_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)

_AUTH = {"type": "bearer", "token": CLAUDE.pool_key}
_SERVICES: tuple[tuple[dict[str, Any], str], ...] = (
    # Each with a path that it is asked for.
    ({"name": "anthropic-api", "host": "api.anthropic.com", "auth": _AUTH}, "/v1/messages"),
    (
        {
            "name": "claude-platform",
            "host": "platform.claude.com",
            "auth": _AUTH,
            # `/login` inside an agent: its tokens stay in the vault.
            "capture": True,
        },
        "/v1/oauth/token",
    ),
    ({"name": "claude-mcp", "host": "mcp-proxy.anthropic.com", "auth": _AUTH}, "/v1/mcp"),
)
GATEWAY = GatewayWanted(_SERVICES[0][0], ANTHROPIC_PREFIX, _SERVICES[0][1])
"""The base URL of Claude Code: `/anthropic` leads to its API."""


def missing_services(documents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The services to be added to those of a vault, so that each of the hosts has one.

    A service whose name is taken by another host's gets a name made from its own. The API's has
    a gateway, for programs that take a base URL, unless the prefix is another's.
    """
    present = [parse_service(document) for document in documents]
    index = ServiceIndex(present)
    names = {service.name for service in present}
    missing = []
    for document, path in _SERVICES:
        if index.match(document["host"], 443, path) is None:
            kept = ("name",) if document["name"] not in names else ()
            missing.append({k: v for k, v in document.items() if k != "name" or k in kept})
            if document["host"] == GATEWAY.host and GATEWAY.prefix not in by_prefix(present):
                missing[-1]["gateway"] = {"prefix": GATEWAY.prefix}
    return missing


def stronger_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that are set and make Claude Code use something else than the vault's account."""
    return [name for name in STRONGER_VARIABLES if environment.get(name)]
