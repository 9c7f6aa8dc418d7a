"""Log pages and hosts seen without a service."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.logs import LogQuery
from tests.services.conftest import ADA, basic, make_agent, record


async def fill(app: Application) -> None:
    """Six requests of the vault `default`, numbered by status, and one of another vault."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    for number in range(6):
        outcome = {"matched_service": "", "decision": "unmatched"} if number % 2 else {}
        app.broker.finished(
            record(
                access, request_id=f"r{number}", path=f"/{number}", status=200 + number, **outcome
            )
        )
    app.broker.finished(record(access, request_id="other", vault="work"))
    await app._context.log.flush()


async def test_pages_follow_each_other(each_app: Application) -> None:
    """Newest first, by cursor, within one vault."""
    await fill(each_app)
    first = await each_app.logs.page("default", LogQuery(limit=4))
    assert [row.path for row in first.logs] == ["/5", "/4", "/3", "/2"]
    rest = await each_app.logs.page("default", LogQuery(limit=4, before=first.next_cursor or ""))
    assert [row.path for row in rest.logs] == ["/1", "/0"]
    assert rest.next_cursor is None
    newer = await each_app.logs.page("default", LogQuery(after=str(first.logs[2].id)))
    assert [row.path for row in newer.logs] == ["/5", "/4"]


async def test_a_filter_narrows_a_page(app: Application) -> None:
    """The console's language, and the plain parameters."""
    await fill(app)
    found = await app.logs.page("default", LogQuery(q="service:none status:>203"))
    assert [row.path for row in found.logs] == ["/5"]
    assert (await app.logs.page("default", LogQuery(service="example"))).logs[0].path == "/4"
    assert (await app.logs.page("default", LogQuery(agent="nobody"))).logs == []


@pytest.mark.parametrize(
    "query",
    [
        LogQuery(q="status:("),
        LogQuery(q="x" * 5000),
        LogQuery(before="abc"),
        LogQuery(before="٣"),
        LogQuery(before="9" * 30),
        LogQuery(limit=0),
        LogQuery(limit=201),
        LogQuery(status_bucket="9xx"),
        LogQuery(before="1", after="1"),
    ],
)
async def test_a_bad_query_is_refused(app: Application, query: LogQuery) -> None:
    """Filters, cursors, limits and buckets that mean nothing."""
    with pytest.raises(VaultError) as caught:
        await app.logs.page("default", query)
    assert caught.value.code == "bad_request"


async def test_hosts_without_a_service_are_counted(app: Application) -> None:
    """Per vault."""
    await fill(app)
    found = await app.logs.discovered_hosts("default")
    assert [(seen.host, seen.port, seen.requests) for seen in found.hosts] == [
        ("api.example.com", 443, 3)
    ]
    assert (await app.logs.discovered_hosts("work")).total == 0
