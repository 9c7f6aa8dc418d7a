"""Proposals of agents that may use some of a vault's services only."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.principal import Principal
from tests.services.conftest import ADA, put_credentials, put_service
from tests.services.proposals.conftest import (
    an_agent,
    approve,
    propose,
    request,
    slot,
    stripe,
)
from tests.services.test_agents import code_of


async def limited(app: Application) -> Principal:
    """An agent that may use `github` of two services."""
    await put_credentials(app, GITHUB="g", SLACK="s", SPARE="x")
    await put_service(app, "github", "api.github.com", "GITHUB")
    await put_service(app, "slack", "slack.com", "SLACK")
    by = await an_agent(app)
    change = wire.ChangeVaultAgent(services=["github"])
    await app.agent_grants.change("default", "bot", change, ADA)
    return by


async def test_what_is_approved_for_a_limited_agent_is_added_to_its_grant(
    app: Application,
) -> None:
    """The review says so before; a rejected one, or one of an unlimited agent, adds nothing."""
    by = await limited(app)
    number = await propose(app, by)
    review = (await app.proposals.reviewed("default", number)).review
    assert review is not None
    assert review.grants == ["stripe"]
    assert [risk.code for risk in review.risks if risk.about == "stripe"][-1] == "grant_widened"
    await approve(app, number, STRIPE_KEY="sk_live")
    assert (await app.agents.get("bot")).vaults[0].services == ["github", "stripe"]
    found = await app.discoveries.discover(by, "default")
    assert [service.name for service in found.services] == ["github", "stripe"]
    other = await an_agent(app, "free")
    number = await propose(app, other, stripe(name="other", host="other.example"))
    review = (await app.proposals.reviewed("default", number)).review
    assert review is not None
    assert review.grants == []
    await approve(app, number)
    assert (await app.agents.get("free")).vaults[0].services == []
    assert (await app.agents.get("bot")).vaults[0].services == ["github", "stripe"]


@pytest.mark.parametrize(
    "wanted",
    [
        request({"name": "slack", "host": "slack.com", "auth": {"type": "passthrough"}}),
        wire.CreateProposal(services=[{"action": "delete", "name": "slack"}]),
        request(stripe(auth={"type": "bearer", "token": "SLACK"})),
        request(stripe(auth={"type": "bearer", "token": "SPARE"})),
        request(stripe(name="github", auth={"type": "bearer", "token": "SPARE"})),
        request(credentials=[slot("SLACK", action="delete")]),
    ],
)
async def test_the_rest_of_the_vault_is_not_to_be_proposed(
    app: Application, wanted: wire.CreateProposal
) -> None:
    """Neither services nor credentials outside the grant, used by a service or not."""
    by = await limited(app)
    call = app.proposals.create("default", wanted, by, "http://x")
    assert await code_of(call) == "service_not_granted"


async def test_a_limited_agent_changes_what_it_has(app: Application) -> None:
    """Its own services, with its own credentials."""
    by = await limited(app)
    rules = [{"action": "deny", "methods": ["DELETE"]}]
    number = await propose(app, by, {"name": "github", "rules": rules})
    assert (await approve(app, number)).status == "applied"


async def test_a_limited_agent_sees_its_own_proposals_only(app: Application) -> None:
    """Those of others name what it may not use."""
    by, other = await limited(app), await an_agent(app, "free")
    theirs = await propose(app, other)
    mine = await propose(app, by, stripe(name="mine", host="mine.example"), credentials=[slot()])
    assert [one.id for one in (await app.proposals.list("default", "", by)).proposals] == [mine]
    assert (await app.proposals.get("default", mine, 0, by)).id == mine
    with pytest.raises(VaultError) as caught:
        await app.proposals.get("default", theirs, 0, by)
    assert caught.value.code == "not_found"
    seen = (await app.proposals.list("default", "", other)).proposals
    assert [one.id for one in seen] == [mine, theirs]
