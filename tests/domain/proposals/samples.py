"""Vaults and proposals to reason about."""

from typing import Any

from proxy_core.domain.proposals import (
    Assessment,
    Authority,
    Facts,
    Proposal,
    assess,
    diff,
    effect,
    parse_proposal,
)
from proxy_core.domain.service_document import parse_service

KNOWN = frozenset({"api.stripe.com", "api.github.com", "slack.com", "api.openai.com"})


def document(name: str, host: str, key: str = "KEY_A", **more: Any) -> dict[str, Any]:
    """A bearer service's document."""
    return {"name": name, "host": host, "auth": {"type": "bearer", "token": key}, **more}


def vault(*documents: dict[str, Any], **types: str) -> Authority:
    """What a vault allows; every key that a service names is a static credential."""
    services = tuple(parse_service(one) for one in documents)
    keys = {one["auth"]["token"]: "static" for one in documents if "token" in one["auth"]}
    return Authority(services, {**keys, **types})


def proposal(now: Authority, *services: dict[str, Any], **more: Any) -> Proposal:
    """Parsed; `slots` are documents of credentials."""
    slots = more.pop("slots", ())
    body = {"services": list(services), "credentials": list(slots), **more}
    return parse_proposal(body, now)[0]


def judged(now: Authority, *services: dict[str, Any], **more: Any) -> Assessment:
    """The assessment of a proposal against this vault."""
    return assess_now(proposal(now, *services, **more), now)


def assess_now(made: Proposal, now: Authority) -> Assessment:
    """The assessment of a proposal that was made before, perhaps against another vault."""
    after = effect(made, now)
    known = KNOWN | {service.host for service in now.services}
    return assess(Facts(made, now, after, diff(made, now, after), known))


def codes(found: Assessment) -> set[str]:
    """What was found."""
    return {risk.code for risk in found.risks}
