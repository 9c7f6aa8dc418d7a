"""Services of a vault, and the match test."""

import asyncio
import gc
import time
from collections.abc import Iterator
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from tests.services.conftest import ADA, Opener, events_of, put_credentials, put_service


def bearer(host: str, **more: Any) -> dict[str, Any]:
    """A service document."""
    return {"host": host, "auth": {"type": "bearer", "token": "API_KEY"}, **more}


async def upsert(app: Application, *documents: dict[str, Any]) -> wire.ServicesUpserted:
    """Add or replace services."""
    return await app.services.upsert("default", wire.ServicesRequest(services=list(documents)), ADA)


async def names(app: Application) -> list[str]:
    """The services' names, in order."""
    return [document["name"] for document in (await app.services.list("default")).services]


async def failure_of(call: object) -> VaultError:
    """What the call is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value


async def test_upsert_replaces_by_name_and_keeps_the_order(
    each_app: Application,
) -> None:
    """A replaced service keeps its place; new ones are appended."""
    app = each_app
    await upsert(app, bearer("a.example.com", name="aaa"), bearer("b.example.com", name="bbb"))
    answer = await upsert(
        app, bearer("c.example.com", name="ccc"), bearer("a2.example.com", name="aaa")
    )
    assert (answer.upserted, answer.services_count) == (["ccc", "aaa"], 3)
    listed = (await app.services.list("default")).services
    assert [(row["name"], row["host"]) for row in listed] == [
        ("aaa", "a2.example.com"),
        ("bbb", "b.example.com"),
        ("ccc", "c.example.com"),
    ]


async def test_order_and_documents_survive_a_restart(app: Application, reopen: Opener) -> None:
    """The next life decides as this one did."""
    await upsert(app, bearer("b.example.com", name="bbb"), bearer("a.example.com", name="aaa"))
    await app.services.patch("default", "aaa", wire.ServicePatch(enabled=False), ADA)
    before = (await app.services.list("default")).services
    app = await reopen()
    assert (await app.services.list("default")).services == before


async def test_a_list_can_be_sent_back_as_it_came(app: Application) -> None:
    """Read, then replace with the same: nothing changes."""
    await upsert(app, bearer("a.example.com", name="aaa"), bearer("b.example.com/x/*", name="bbb"))
    listed = (await app.services.list("default")).services
    answer = await app.services.replace("default", wire.ServicesRequest(services=listed), ADA)
    assert answer.services_count == 2
    assert (await app.services.list("default")).services == listed


async def test_one_bad_document_stores_nothing(app: Application) -> None:
    """Documents are validated whole."""
    bad = bearer("b.example.com", name="bbb", gateway="/b")
    failure = await failure_of(upsert(app, bearer("a.example.com", name="aaa"), bad))
    assert failure.code == "bad_request"
    assert await names(app) == []


async def test_a_service_without_a_name_gets_one_and_keeps_it(app: Application) -> None:
    """The same host again is the same service; another host never takes its place."""
    first = (await upsert(app, bearer("a-b.example.com"))).upserted
    assert (await upsert(app, bearer("a-b.example.com", enabled=False))).upserted == first
    second = (await upsert(app, bearer("a.b.example.com"))).upserted
    assert second != first
    assert await names(app) == [*first, *second]


async def test_removing_by_name_or_host(app: Application) -> None:
    """A host that names several is refused with the candidates."""
    await upsert(
        app,
        bearer("a.example.com/x/*", name="one"),
        bearer("a.example.com/y/*", name="two"),
        bearer("b.example.com", name="three"),
    )
    failure = await failure_of(app.services.remove("default", "a.example.com", ADA))
    assert failure.code == "ambiguous_host"
    assert {candidate["name"] for candidate in failure.extra["candidates"]} == {"one", "two"}
    removed = await app.services.remove("default", "b.example.com", ADA)
    assert (removed.removed, removed.services_count) == ("three", 2)
    removed = await app.services.remove("default", "a.example.com/x/*", ADA)
    assert (removed.removed, removed.removed_host) == ("one", "a.example.com/x/*")
    assert (await failure_of(app.services.remove("default", "one", ADA))).code == "not_found"
    await app.services.clear("default", ADA)
    assert await names(app) == []
    kinds = [event.data.get("cleared") for event in events_of(app, "service.deleted")]
    assert kinds == [None, None, True]


async def test_who_uses_a_credential(app: Application) -> None:
    """Also in services that are disabled."""
    await upsert(app, bearer("a.example.com", name="aaa", enabled=False))
    usage = await app.services.credential_usage("default", "API_KEY")
    assert [(user.name, user.host) for user in usage.services] == [("aaa", "a.example.com")]
    assert (await app.services.credential_usage("default", "OTHER")).services == []


async def match(app: Application, url: str, method: str = "GET") -> wire.MatchResult:
    """The match test's answer."""
    return await app.services.test("default", wire.MatchTest(url=url, method=method))


async def test_the_match_test_knows_captured_logins(app: Application) -> None:
    """Even before there is an account; other requests to the host are as any."""
    await upsert(app, bearer("platform.claude.com", name="login", capture=True))
    url = "https://platform.claude.com/v1/oauth/token"
    assert (await match(app, url, "POST")).decision == "captured"
    assert (await match(app, url, "GET")).decision != "captured"


async def test_the_match_test_says_what_would_happen(app: Application) -> None:
    """Injected, failed for want of a credential, denied, unmatched: with reasons."""
    await put_service(
        app,
        "example",
        "api.example.com",
        "API_KEY",
        rules=[{"methods": ["DELETE"], "action": "deny"}],
    )
    missing = await match(app, "api.example.com/v1?q=1")
    assert (missing.decision, missing.error_code) == ("failed", "credential_not_found")
    assert missing.missing_credentials == ["API_KEY"]
    await put_credentials(app, API_KEY="x")
    injected = await match(app, "HTTPS://API.Example.com:443/v1")
    assert (injected.decision, injected.service, injected.host, injected.path) == (
        "injected", "example", "api.example.com", "/v1",
    )  # fmt: skip
    denied = await match(app, "https://api.example.com/", "delete")
    assert (denied.decision, denied.error_code) == ("denied", "method_not_allowed")
    plain = await match(app, "http://api.example.com/")
    assert plain.error_code == "http_not_allowed"
    unmatched = await match(app, "https://elsewhere.example/")
    assert (unmatched.decision, unmatched.service, unmatched.candidates) == ("unmatched", None, [])


@pytest.mark.parametrize(
    "url", ["", "ftp://x.example/", "https://", "https://u:p@x.example/", "https://[::1", "h t"]
)
async def test_a_url_that_says_nothing_is_refused(app: Application, url: str) -> None:
    """No host, user names, other schemes, malformed addresses."""
    assert (await failure_of(match(app, url))).code == "bad_request"


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """What the whole run of tests has piled up is nobody's to collect, as in a worker's life."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("own_garbage")
async def test_ten_thousand_services_do_not_hold_the_loop(app: Application) -> None:
    """Whatever is done with many services, the loop's thread works on it for moments only."""
    documents = [
        {
            "name": f"svc-{number}",
            "host": f"h{number}.example.com/v1/*",
            "auth": {"type": "bearer", "token": "API_KEY"},
        }
        for number in range(10_000)
    ]
    every = wire.ServicesRequest(services=documents)
    some = wire.ServicesRequest(services=documents[:100])
    spent: list[float] = []

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0.001)
            spent.append(time.thread_time() - before)

    watching = asyncio.create_task(watch())
    assert (await app.services.replace("default", every, ADA)).services_count == 10_000
    assert (await app.services.upsert("default", every, ADA)).services_count == 10_000
    assert len((await app.services.list("default")).services) == 10_000
    await app.services.upsert("default", some, ADA)
    await app.services.patch("default", "svc-5000", wire.ServicePatch(enabled=False), ADA)
    await app.services.remove("default", "svc-7", ADA)
    watching.cancel()
    assert max(spent) < 0.15


async def test_exact_hosts(app: Application) -> None:
    """Of enabled services of all vaults, without wildcards, each once, up to a limit."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await put_service(app, "one-two", "a.example/x", "K")
    await put_service(app, "two-two", "a.example:8443/y", "K")
    await put_service(app, "off-one", "off.example", "K", enabled=False)
    await put_service(app, "wild-one", "*.wild.example", "K")
    await put_service(app, "three", "b.example", "K", vault="work")
    assert sorted(app.services.exact_hosts(10)) == ["a.example", "b.example"]
    assert len(app.services.exact_hosts(1)) == 1
