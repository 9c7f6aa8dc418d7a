"""The operators' list of proposals."""

from proxy_core.services.application import Application
from tests.services.conftest import ADA
from tests.services.proposals.conftest import (
    an_agent,
    approve,
    propose,
    reject,
    services_of,
    slot,
    stripe,
)


async def test_a_row_names_what_is_asked_for_and_its_worst_risk(app: Application):
    """While it waits; a decided one says who decided instead."""
    by = await an_agent(app)
    await propose(app, by)
    await propose(app, by, stripe(host="api.str1pe.com"), credentials=[slot()])
    await reject(app, 1)
    second, first = (await app.proposal_inbox.read("default")).proposals
    assert (second.services, second.credentials) == (["stripe"], ["STRIPE_KEY"])
    assert (second.level, second.reviewed_by, second.applicable) == ("high", "", True)
    assert (first.level, first.reviewed_by) == ("", ADA.label)


async def test_one_that_no_longer_applies_says_so(app: Application):
    """Its service was to be deleted, and has gone meanwhile."""
    by = await an_agent(app)
    await propose(app, by)
    await approve(app, 1, STRIPE_KEY="rk")
    await propose(app, by, {"name": "stripe", "action": "delete"})
    await app.services.remove("default", "stripe", ADA)
    assert "stripe" not in await services_of(app)
    (waiting,) = (await app.proposal_inbox.read("default", "pending")).proposals
    assert not waiting.applicable
