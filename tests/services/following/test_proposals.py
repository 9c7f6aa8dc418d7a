"""Proposals of workers that share a database."""

import asyncio

from proxy_core.base.errors import VaultError
from proxy_core.services.principal import operator
from tests.services.conftest import ADA, make_agent
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


async def test_a_wait_ends_with_another_workers_decision(pair: Pair) -> None:
    """An agent waits at one worker, an operator rejects at the other."""
    token = await make_agent(pair.a.app, "bot", "default")
    number = await propose(pair.a.app, pair.a.app.identity.of_bearer(token))
    await pair.b.seen("proposal.created")
    waiting = asyncio.create_task(pair.a.app.proposals.get("default", number, wait=30))
    await reject(pair.b.app, number)
    assert (await asyncio.wait_for(waiting, 20)).status == "rejected"
