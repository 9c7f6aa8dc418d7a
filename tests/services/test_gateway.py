"""Where a gateway's prefix leads, for whom, and what the gateway answers itself."""

import asyncio
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import Ask, Decision, Ingress, RequestFacts
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.service import Gateway
from proxy_core.services.application import Application
from tests.services.conftest import ADA, facts, make_agent, put_credentials


def document(name: str, host: str, **more: Any) -> dict[str, Any]:
    """A service that sends API_KEY."""
    auth = {"type": "bearer", "token": "API_KEY"}
    return {"name": name, "host": host, "auth": auth, **more}


async def put(app: Application, *documents: dict[str, Any], vault: str = "default") -> None:
    """Store services."""
    await app.services.upsert(vault, wire.ServicesRequest(services=list(documents)), ADA)


@pytest.fixture
async def token(app: Application) -> bytes:
    """The field of an agent of the vault `default`, which has two gateways."""
    await put_credentials(app, API_KEY="s3cret")
    await put(
        app,
        document("example", "api.example.com", gateway={"prefix": "ex"}),
        document("other", "other.example.com/v1/*", gateway={"prefix": "other"}),
    )
    return b"Bearer " + (await make_agent(app, "bot", "default")).encode()


def gateway_facts(path: str) -> RequestFacts:
    """A gateway request for the service `other`, as it is decided on."""
    return facts("other.example.com", path, ingress=Ingress.GATEWAY)


async def test_a_prefix_leads_to_its_services_upstream(app: Application, token: bytes) -> None:
    """As it is now: a change counts for the next request."""
    access = app.broker.authenticate(token)
    assert app.broker.gateway(access, "ex") == Gateway("ex", "https", "api.example.com", 443)
    moved = {"prefix": "ex", "upstream": "https://api.example.com/v2"}
    await put(app, document("example", "api.example.com", gateway=moved))
    assert app.broker.gateway(access, "ex").base == "/v2"
    await app.services.patch("default", "example", wire.ServicePatch(enabled=False), ADA)
    with pytest.raises(VaultError) as caught:
        app.broker.gateway(access, "ex")
    assert caught.value.code == "service_disabled"


async def test_an_unknown_prefix_names_those_that_can_be_used(
    app: Application, token: bytes
) -> None:
    """Those of enabled services, and of services that are granted."""
    await put(app, document("off", "off.example.com", enabled=False, gateway={"prefix": "off"}))
    with pytest.raises(VaultError) as caught:
        app.broker.gateway(app.broker.authenticate(token), "nope\x1b[31m")
    error = caught.value
    assert (error.code, error.extra) == ("gateway_not_found", {"gateways": ["ex", "other"]})
    assert "\x1b" not in str(error)


async def test_the_vault_is_named_when_there_are_several(app: Application, token: bytes) -> None:
    """By X-Vault or behind the token; both must say the same."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    both = b"Bearer " + (await make_agent(app, "both", "default", "work")).encode()
    for field, vault in (
        (both, "default"),
        (both + b":default", None),
        (both + b":default", "default"),
    ):
        assert app.broker.authenticate(field, vault=vault).vault == "default"
    access = app.broker.authenticate(both)
    with pytest.raises(VaultError) as caught:
        app.broker.gateway(access, "ex")
    assert caught.value.code == "vault_required"
    with pytest.raises(VaultError) as caught:
        app.broker.authenticate(both + b":work", vault="default")
    assert caught.value.code == "bad_request"
    with pytest.raises(VaultError) as caught:
        app.broker.gateway(app.broker.authenticate(token, vault="work"), "ex")
    assert caught.value.code == "vault_forbidden"


async def test_decisions_are_those_of_the_upstreams_url(app: Application, token: bytes) -> None:
    """Another service's rules count there as well, and what none covers is refused."""
    strict = [{"methods": ["GET"], "path": "/v1/admin/*", "action": "ask"}]
    await put(app, document("admin", "other.example.com/v1/admin/*", rules=strict))
    access = app.broker.authenticate(token)
    allowed = app.broker.decide(access, gateway_facts("/v1/x"))
    assert isinstance(allowed, Decision)
    assert allowed.service is not None
    assert allowed.service.name == "other"
    asks = app.broker.decide(access, gateway_facts("/v1/admin/x"))
    assert isinstance(asks, Ask)
    assert asks.service_name == "admin"
    with pytest.raises(VaultError) as caught:
        app.broker.decide(access, gateway_facts("/elsewhere"))
    assert caught.value.code == "forbidden"


async def test_a_prefix_belongs_to_one_service(app: Application, token: bytes) -> None:
    """A second one is refused, whether services are added or replaced."""
    assert token
    taken = document("second", "second.example.com", gateway={"prefix": "ex"})
    with pytest.raises(VaultError, match="prefix ex is that of service example already"):
        await put(app, taken)
    both = [document("first", "first.example.com", gateway={"prefix": "ex"}), taken]
    with pytest.raises(VaultError, match="prefix ex is that of service first already"):
        await app.services.replace("default", wire.ServicesRequest(services=both), ADA)


def request(method: str = "HEAD", path: str = "/api/hello", token: bool = False) -> LocalRequest:
    """A request below the prefix `anthropic`."""
    return LocalRequest(method, "anthropic", path, "", "http://h", "192.0.2.1", token)


async def test_hello_is_answered_to_anybody(app: Application) -> None:
    """HEAD without a token; with one it may be meant for the upstream."""
    path = app.broker.answers(request())
    assert path == LocalPath("hello", public=True, max_body=0)
    assert await app.broker.answer(Local(request(), path)) == LocalAnswer(200)
    for other in (request("GET"), request(path="/api/hello/x"), request(token=True)):
        assert app.broker.answers(other) is None


async def test_a_protocol_is_added_and_carried_through(app: Application) -> None:
    """What it has begun ends, also when the client leaves; others are asked in their order."""
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Slow:
        def covers(self, request: LocalRequest) -> LocalPath | None:
            return LocalPath("slow") if request.path == "/slow" else None

        async def answer(self, local: Local) -> LocalAnswer | None:
            begun.set()
            await go_on.wait()
            done.set()
            return LocalAnswer(200, local.body)

    app.gateway_answers.add(Slow())
    asked = request("POST", "/slow")
    path = app.broker.answers(asked)
    assert path is not None
    waiting = asyncio.create_task(app.broker.answer(Local(asked, path, None, b"hi")))
    await begun.wait()
    waiting.cancel()
    go_on.set()
    async with asyncio.timeout(30):
        await done.wait()
    assert await app.broker.answer(Local(asked, path, None, b"hi")) == LocalAnswer(200, b"hi")
