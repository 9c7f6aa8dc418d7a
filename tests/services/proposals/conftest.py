"""Agents that propose, over a real database."""

from typing import Any

from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.principal import Principal
from tests.services.conftest import ADA, make_agent

BASE = "http://127.0.0.1:14321"
VALUE = "s3cret-of-the-agent"


def stripe(**more: Any) -> dict[str, Any]:
    """A service that wants STRIPE_KEY."""
    auth = {"type": "bearer", "token": "STRIPE_KEY"}
    return {"name": "stripe", "host": "api.stripe.com", "auth": auth, **more}


def slot(key: str = "STRIPE_KEY", **more: Any) -> wire.ProposedCredential:
    """A slot to be set."""
    return wire.ProposedCredential(key=key, **more)


def request(*services: dict[str, Any], **more: Any) -> wire.CreateProposal:
    """What an agent sends; without services, the stripe one with its slot."""
    if not services and not more.get("credentials"):
        services, more = (stripe(),), {"credentials": [slot()], **more}
    documents = [{"action": "set", **one} for one in services]
    return wire.CreateProposal(services=documents, **more)


async def an_agent(app: Application, name: str = "bot", vault: str = "default") -> Principal:
    """An agent with the proxy role."""
    return app.identity.of_bearer(await make_agent(app, name, vault))


async def propose(app: Application, by: Principal, *services: Any, **more: Any) -> int:
    """Raise a proposal; answers its number."""
    return (await app.proposals.create("default", request(*services, **more), by, BASE)).id


async def approve(
    app: Application, number: int, by: Principal = ADA, digest: str = "", **values: str
) -> wire.ProposalDecided:
    """Approve with these values."""
    body = wire.ApproveProposal(credentials=values, digest=digest)
    return await app.deciding.approve(number, body, by)


async def reject(
    app: Application, number: int, by: Principal = ADA, reason: str = ""
) -> wire.ProposalDecided:
    """Reject with a reason."""
    return await app.deciding.reject(number, wire.RejectProposal(reason=reason), by)


async def status_of(app: Application, number: int) -> str:
    """Where the proposal stands."""
    return (await app.proposals.get("default", number)).status


async def values_of(app: Application) -> dict[str, str | None]:
    """All credentials of the vault, revealed."""
    found = await app.credentials.reveal("default", ADA)
    return {one.key: one.value for one in found.credentials or ()}


async def services_of(app: Application) -> dict[str, dict[str, Any]]:
    """The vault's service documents by name."""
    found = await app.services.list("default")
    return {one["name"]: one for one in found.services}
