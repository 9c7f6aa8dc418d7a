"""What an operator may say to a held request, what that covers, and the rule it becomes.

An answer covers exactly what was seen: the method, the origin and the path, of one agent. Only the
query may differ the next time. Whoever wants to allow more writes a rule with a glob.
"""

from collections.abc import Container
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Ask, RequestFacts
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.patterns import auto_name
from proxy_core.domain.service import Action, Auth, AuthType, Rule, Service
from proxy_core.domain.service_document import parse_service, service_document

_DEFAULT_PORTS = {"https": 443, "http": 80, "wss": 443, "ws": 80}
MAX_URL = 512


class Duration(StrEnum):
    """How long an approval counts."""

    ONCE = "once"
    SESSION = "session"
    QUARTER = "15m"
    HOUR = "1h"
    ALWAYS = "always"

    @property
    def seconds(self) -> float | None:
        """The time that it names; None when it names none."""
        return {Duration.QUARTER: 900.0, Duration.HOUR: 3600.0}.get(self)


class Scope(NamedTuple):
    """What an approval covers, of one agent in one vault. `service` is empty without one."""

    service: str
    scheme: str
    host: str
    port: int
    method: str
    path: str

    @property
    def url(self) -> str:
        """Origin and path, at most MAX_URL characters: a path is as long as the client likes."""
        authority = format_authority(self.host, self.port, _DEFAULT_PORTS.get(self.scheme, 0))
        url = f"{self.scheme}://{authority}{self.path}"
        return url if len(url) <= MAX_URL else url[: MAX_URL - 1] + "…"


def parse_duration(text: str) -> Duration:
    """Raises VaultError bad_request."""
    try:
        return Duration(text)
    except ValueError:
        choices = ", ".join(Duration)
        raise VaultError("bad_request", f"for must be one of {choices}") from None


def scope_of(facts: RequestFacts, ask: Ask) -> Scope:
    """What an approval of this request covers."""
    return Scope(ask.service_name, facts.scheme, facts.host, facts.port, facts.method, facts.path)


def readable_url(facts: RequestFacts, scope: Scope) -> str:
    """The URL for an operator's eyes: of the query the names alone, since values may be secrets."""
    if not facts.query:
        return scope.url
    names = dict.fromkeys(part.partition("=")[0] for part in facts.query.split("&") if part)
    query = "&".join(f"{name}=…" for name in names)
    return f"{scope.url}?{query if len(query) <= MAX_URL else query[: MAX_URL - 1] + '…'}"


def settled(ask: Ask, facts: RequestFacts, action: Action, taken: Container[str] = ()) -> Service:
    """The service with a rule that answers requests like this one, before the rule that asks.

    Where no service covers the host, a new one without a credential: it goes on asking for
    everything else. Its name is not in `taken`.
    Raises VaultError bad_request when no rule can name the path.
    """
    if "*" in facts.path:
        raise VaultError("bad_request", "the path holds a `*`, which a rule reads as a glob")
    rule = Rule(action, frozenset({facts.method.upper()}), facts.path)
    service = ask.decision.service
    if service is None:
        service = Service(
            name=auto_name(facts.host, "", taken),
            host=facts.host,
            port=facts.port,
            auth=Auth(AuthType.PASSTHROUGH),
            rules=(Rule(Action.ASK),),
        )
    position = max(ask.rule, 0)
    rules = (*service.rules[:position], rule, *service.rules[position:])
    # Through the document's own checks: what is stored must be readable again.
    return parse_service(service_document(replace(service, rules=rules)))
