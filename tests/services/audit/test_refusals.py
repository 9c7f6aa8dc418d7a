"""Refusals are gathered: whoever asks for what it may not have can't fill the disk with it."""

from proxy_core.domain import wire
from proxy_core.domain.audit import Deed, Origin
from proxy_core.services.application import Application
from proxy_core.services.audit.refusals import MOST, MOST_OF_ONE
from tests.services.audit.rig import entries

REFUSED = Deed("access.refused", after={"why": "role_forbidden"})


def by(name: str, route: str = "GET /v1/x", address: str = "203.0.113.7") -> Origin:
    """An agent, or with an empty name a stranger, somewhere in the network."""
    kind = "agent" if name else "nobody"
    return Origin(kind, name, source={"address": address}, route=route)


async def refusals(app: Application) -> list[wire.AuditEntry]:
    """What was told of refusals."""
    return await entries(app, action="access.refused")


async def test_the_same_again_is_counted(app: Application) -> None:
    """One entry for one kind of refusal, however often."""
    for _ in range(1_000):
        app.auditing.refusals.note(REFUSED, by("bot"))
    (told,) = await refusals(app)
    assert (told.actor.name, told.after["times"], told.route) == ("bot", 1_000, "GET /v1/x")


async def test_one_caller_has_so_many_entries(app: Application) -> None:
    """What it was refused besides is counted, and hides nobody else's."""
    for number in range(200):
        app.auditing.refusals.note(REFUSED, by("bot", f"GET /v1/{number}"))
    app.auditing.refusals.note(REFUSED, by("other"))
    found = await refusals(app)
    assert [one.actor.name for one in found].count("bot") == MOST_OF_ONE
    assert [one.actor.name for one in found].count("other") == 1
    (rest,) = [one for one in found if one.target == "others"]
    assert rest.after["times"] == 200 - MOST_OF_ONE


async def test_strangers_are_one_caller(app: Application) -> None:
    """Whatever their addresses, and an IPv6 site is one of those."""
    for number in range(50):
        app.auditing.refusals.note(REFUSED, by("", address=f"2001:db8::{number:x}"))
    (told,) = await refusals(app)
    assert told.after["times"] == 50
    for number in range(100):
        app.auditing.refusals.note(REFUSED, by("", address=f"198.51.100.{number}"))
    assert len(await refusals(app)) == 1 + MOST_OF_ONE + 1


async def test_a_round_has_a_bound(app: Application) -> None:
    """However many callers there are."""
    for number in range(3 * MOST):
        app.auditing.refusals.note(REFUSED, by(f"bot-{number}"))
    assert len(await refusals(app)) == MOST + 1
