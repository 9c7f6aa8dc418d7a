"""When things were last used."""

from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import (
    ADA,
    NOW,
    basic,
    make_agent,
    put_credentials,
    put_service,
    record,
)


async def test_lists_are_fresh(app: Application) -> None:
    """A request counts in the list that is asked for the moment after it ended."""
    await put_credentials(app, API_KEY="v")
    await put_service(app, "example", "api.example.com", "API_KEY")
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    for _ in range(3):
        app.broker.finished(record(access))
    (service,) = (await app.services.list("default")).services
    assert (service["hits"], service["last_hit_at"]) == (3, "2025-06-15T15:06:45.000Z")
    (credential,) = (await app.credentials.list("default")).credentials or []
    assert credential.last_used_at == "2025-06-15T15:06:45.000Z"
    assert (await app.agents.get("bot")).last_seen_at == "2025-06-15T15:06:45.000Z"


async def test_a_stream_that_ends_late_takes_nothing_back(app: Application) -> None:
    """The latest start counts, whichever request ends last."""
    await put_credentials(app, API_KEY="v")
    await put_service(app, "example", "api.example.com", "API_KEY")
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    app.broker.finished(record(access))
    app.broker.finished(record(access, started_at=NOW - 3600))
    (service,) = (await app.services.list("default")).services
    assert (service["hits"], service["last_hit_at"]) == (2, "2025-06-15T15:06:45.000Z")
    (credential,) = (await app.credentials.list("default")).credentials or []
    assert credential.last_used_at == "2025-06-15T15:06:45.000Z"
    assert (await app.agents.get("bot")).last_seen_at == "2025-06-15T15:06:45.000Z"


async def test_a_list_decrypts_each_value_once(app: Application) -> None:
    """A value is opened to see whether it can be, and again only when it has changed."""
    await put_credentials(app, API_KEY="v", OTHER_KEY="w")
    opened = app._context.sealer.unseal
    places: list[bytes] = []

    def counted(blob: bytes, aad: bytes) -> bytes:
        if b"credential_version" in aad:
            places.append(aad)
        return opened(blob, aad)

    app._context.sealer.unseal = counted  # type: ignore[method-assign]
    for _ in range(3):
        await app.credentials.list("default")
    assert len(places) == 2
    await app.credentials.set(wire.SetCredentials(credentials={"API_KEY": "x"}), ADA)
    await app.credentials.list("default")
    assert len(places) == 3


async def test_services_that_are_gone_leave_no_counts(app: Application) -> None:
    """However they went: a new service of the same name starts at zero."""
    await put_credentials(app, API_KEY="v")
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    nothing = wire.ServicesRequest(services=[])
    for remove in (
        app.services.clear("default", ADA),
        app.services.replace("default", nothing, ADA),
        app.services.remove("default", "example", ADA),
    ):
        await put_service(app, "example", "api.example.com", "API_KEY")
        app.broker.finished(record(access))
        assert len(app._context.usage.services) == 1
        await remove
        assert app._context.usage.services == {}


async def test_requests_are_summed_by_how_they_ended(app: Application) -> None:
    """Those that ended alike count together, with their time and their bytes."""
    await put_credentials(app, API_KEY="v")
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    for status in (200, 204):
        app.broker.finished(
            record(access, status=status, latency_ms=250.0, bytes_up=3, bytes_down=5)
        )
    app.broker.finished(record(access, decision="denied", status=403))
    app.broker.finished(record(access, status=0))
    totals = app.usage.totals
    assert {outcome: one.count for outcome, one in totals.items()} == {
        ("injected", 2): 2,
        ("denied", 4): 1,
        ("injected", 0): 1,
    }
    served = totals["injected", 2]
    assert (served.seconds, served.bytes_up, served.bytes_down) == (0.5, 6, 10)
