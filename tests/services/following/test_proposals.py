"""Proposals of workers that share a database."""

import asyncio

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.principal import operator
from tests.services.conftest import ADA, make_agent, put_service
from tests.services.following.conftest import Pair
from tests.services.proposals.conftest import approve, propose, reject, services_of


async def test_raised_here_and_decided_there(pair: Pair) -> None:
    """The count, the wait and the service follow; of two decisions one wins."""
    token = await make_agent(pair.a.app, "bot", "default")
    by = pair.a.app.identity.of_bearer(token)
    number = await propose(pair.a.app, by)
    seen = await pair.b.seen("proposal.created")
    assert seen.data["id"] == number
    assert pair.b.app.proposals.pending == 1
    waiting = asyncio.create_task(pair.a.app.proposals.get("default", number, wait=30))
    results = await asyncio.gather(
        approve(pair.a.app, number, ADA, STRIPE_KEY="a"),
        approve(pair.b.app, number, operator("bob"), STRIPE_KEY="b"),
        return_exceptions=True,
    )
    assert sorted(type(one) is VaultError for one in results) == [False, True]
    assert (await asyncio.wait_for(waiting, 20)).status == "applied"
    for worker in (pair.a, pair.b):
        await worker.seen("proposal.applied")
        assert list(await services_of(worker.app)) == ["stripe"]
        assert worker.app.proposals.pending == 0


async def test_what_is_approved_is_what_is_stored(pair: Pair, location: str) -> None:
    """A worker that has not heard of a change yet shows it, instead of writing over it."""
    by = pair.a.app.identity.of_bearer(await make_agent(pair.a.app, "bot", "default"))
    number = await propose(pair.a.app, by)
    behind = await Application.open(ApplicationConfig(location))  # it hears of nothing
    try:
        await behind.keys.unseal_automatically()
        shown = (await behind.proposals.reviewed("default", number)).review
        assert shown is not None
        await put_service(pair.a.app, "stripe", "elsewhere.example", "OTHER_KEY")
        await put_service(pair.a.app, "other", "other.example", "OTHER_KEY")
        with pytest.raises(VaultError) as caught:
            await approve(behind, number, ADA, shown.digest, STRIPE_KEY="x")
        assert caught.value.code == "conflict"
        (service,) = caught.value.extra["review"]["services"]
        assert (service["name"], service["change"]) == ("stripe", "changed")
        digest = caught.value.extra["review"]["digest"]
        await approve(behind, number, ADA, digest, STRIPE_KEY="x")
        assert list(await services_of(behind)) == ["stripe", "other"]
    finally:
        await behind.close()


async def test_a_wait_ends_with_another_workers_decision(pair: Pair) -> None:
    """An agent waits at one worker, an operator rejects at the other."""
    token = await make_agent(pair.a.app, "bot", "default")
    number = await propose(pair.a.app, pair.a.app.identity.of_bearer(token))
    await pair.b.seen("proposal.created")
    waiting = asyncio.create_task(pair.a.app.proposals.get("default", number, wait=30))
    await reject(pair.b.app, number)
    assert (await asyncio.wait_for(waiting, 20)).status == "rejected"
