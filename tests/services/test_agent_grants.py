"""Which vaults agents may use, and which services there."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.domain.exchange import Decision
from proxy_core.domain.names import VaultRole
from proxy_core.services.application import Application
from proxy_core.services.snapshot import Bearer
from tests.services.conftest import (
    ADA,
    FakeTunnels,
    Opener,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
)
from tests.services.test_agents import code_of


def held(app: Application, token: str) -> Bearer:
    """What is known of a token's holder."""
    return app._context.snapshot.bearers[token_sha256(token)]


def refused(app: Application, token: str, host: str, path: str = "/v1/x") -> VaultError:
    """What the agent's request is refused with."""
    with pytest.raises(VaultError) as caught:
        app.broker.decide(app.broker.authenticate(basic(token)), facts(host, path))
    return caught.value


def served(app: Application, token: str, host: str, path: str = "/v1/x") -> str:
    """The service that the agent's request goes on with; empty without one."""
    found = app.broker.decide(app.broker.authenticate(basic(token)), facts(host, path))
    assert isinstance(found, Decision)
    return found.service.name if found.service else ""


async def add(app: Application, *services: str, role: str = "proxy", vault: str = "default") -> str:
    """A grant for the agent `bot`; answers what is said of it."""
    request = wire.AddVaultAgent(name="bot", role=role, services=list(services))
    return (await app.agent_grants.add(vault, request, ADA)).message


async def change(
    app: Application, role: str = "", services: list[str] | None = None
) -> wire.VaultAgentChanged:
    """Change the grant of the agent `bot`."""
    request = wire.ChangeVaultAgent(role=role, services=services)
    return await app.agent_grants.change("default", "bot", request, ADA)


async def furnish(app: Application) -> None:
    """Two services with a credential each, and a credential that no service uses."""
    await put_credentials(app, GITHUB="g", SLACK="s", SPARE="x")
    await put_service(app, "github", "api.github.com", "GITHUB")
    await put_service(app, "slack", "slack.com/api/*", "SLACK")


async def limited(app: Application) -> str:
    """The token of an agent that may use `github` only."""
    await furnish(app)
    token = await make_agent(app, "bot")
    await add(app, "github")
    return token


async def test_a_grants_life(each_app: Application) -> None:
    """Added once, changed, listed, taken away; each change is announced."""
    app = each_app
    await furnish(app)
    await make_agent(app, "bot")
    assert await add(app, "github") == "agent bot may use github of vault default with role proxy"
    assert await code_of(add(app)) == "conflict"
    changed = await change(app, services=["slack", "github", "github"])
    assert (changed.services, changed.old_role, changed.new_role) == (
        ["github", "slack"],
        "proxy",
        "proxy",
    )
    (row,) = app.agent_grants.list("default").agents
    assert (row.name, row.vault_role, row.status) == ("bot", "proxy", "active")
    assert row.services == (await app.agents.get("bot")).vaults[0].services == ["github", "slack"]
    changed = await change(app, "admin", [])
    assert (changed.services, changed.old_role, changed.new_role) == ([], "proxy", "admin")
    await app.agent_grants.remove("default", "bot", ADA)
    assert app.agent_grants.list("default").agents == []
    assert await code_of(app.agent_grants.remove("default", "bot", ADA)) == "not_found"
    assert await code_of(change(app, "proxy")) == "not_found"
    said = [event.data["change"] for event in events_of(app, "agent.changed")]
    assert said[1:] == ["granted", "grant changed", "grant changed", "grant revoked"]


@pytest.mark.parametrize(
    ("role", "services"),
    [("proxy", ["gone"]), ("member", ["github"]), ("admin", ["github"]), ("king", [])],
)
async def test_a_grant_that_would_not_hold_is_refused(
    app: Application, role: str, services: list[str]
) -> None:
    """Unknown services and roles; roles that could lift the limit themselves."""
    await furnish(app)
    await make_agent(app, "bot")
    assert await code_of(add(app, *services, role=role)) == "bad_request"
    await add(app, "github")
    assert await code_of(change(app, role, services)) == "bad_request"
    assert await code_of(change(app)) == "bad_request"
    whole = wire.AgentVault(vault_name="default", vault_role=role, services=services)
    request = wire.CreateAgent(name="other", vaults=[whole])
    assert await code_of(app.agents.create(request, ADA)) == "bad_request"


async def test_a_role_that_may_change_services_needs_a_grant_for_all(app: Application) -> None:
    """Changing the role alone does not lift the limit by the way."""
    await limited(app)
    assert await code_of(change(app, "member")) == "bad_request"
    assert (await change(app, "member", [])).services == []


async def test_a_service_outside_the_grant_is_refused_with_what_to_do(app: Application) -> None:
    """It says that the service is there and not granted; proposing it again would not help."""
    token = await limited(app)
    assert served(app, token, "api.github.com") == "github"
    error = refused(app, token, "slack.com", "/api/chat")
    assert (error.code, error.status) == ("service_not_granted", 403)
    assert error.detail == (
        "service slack of vault default covers slack.com/api/chat, "
        "and this token may use github only"
    )
    assert error.problem()["service"] == "slack"
    assert "vault-tui agent grant" in error.problem()["help"]
    assert "proposal_hint" not in error.problem()


@pytest.mark.parametrize("policy", ["passthrough", "deny", "ask"])
@pytest.mark.parametrize("where", [("elsewhere.example", "/"), ("slack.com", "/other")])
async def test_a_limited_agent_gets_no_passthrough(
    app: Application, policy: str, where: tuple[str, str]
) -> None:
    """Whatever the vault does with hosts without a service, and beside a service's paths too."""
    token = await limited(app)
    settings = wire.VaultSettings(unmatched_host_policy=policy)
    await app.vaults.change_settings("default", settings, ADA)
    error = refused(app, token, *where)
    assert error.code == "forbidden"
    assert error.extra["proposal_hint"]["host"] == where[0]


async def test_an_unlimited_agent_is_not_concerned(app: Application) -> None:
    """The same vault, all services, passthrough as the vault says."""
    await limited(app)
    token = await make_agent(app, "free", "default")
    assert served(app, token, "slack.com", "/api/chat") == "slack"
    assert served(app, token, "elsewhere.example") == ""


async def test_a_service_that_goes_and_comes_again_stays_in_the_grant(
    app: Application, reopen: Opener
) -> None:
    """Without its services a limited agent has nothing left, also in the worker's next life."""
    token = await limited(app)
    await app.services.remove("default", "github", ADA)
    assert refused(app, token, "api.github.com").code == "forbidden"
    assert refused(app, token, "slack.com", "/api/x").code == "service_not_granted"
    app = await reopen()
    assert held(app, token).services == {held_vault(app): frozenset({"github"})}


def held_vault(app: Application) -> str:
    """The id of `default`."""
    return app._context.snapshot.vaults["default"].id


async def test_what_a_limited_agent_discovers(app: Application) -> None:
    """The granted services and their credentials, nothing else's."""
    token = await limited(app)
    by = app.identity.of_bearer(token)
    found = await app.discoveries.discover(by, "default")
    assert [service.name for service in found.services] == ["github"]
    assert found.available_credentials == ["GITHUB"]
    assert (await app.credentials.names("default", by)).keys == ["GITHUB"]


@pytest.mark.parametrize("narrowing", ["remove", "services"])
async def test_connections_end_when_an_agent_may_use_less(
    app: Application, tunnels: FakeTunnels, narrowing: str
) -> None:
    """A stream that is open ends too; the next request is refused. More, or a role, ends none."""
    token = await limited(app)
    await change(app, services=["github", "slack"])
    await change(app, "proxy")
    assert tunnels.closed == []
    if narrowing == "remove":
        await app.agent_grants.remove("default", "bot", ADA)
    else:
        await change(app, services=["slack"])
    assert tunnels.closed == [token_sha256(token)]
    code = "vault_forbidden" if narrowing == "remove" else "service_not_granted"
    assert refused(app, token, "api.github.com").code == code


async def test_limiting_a_grant_for_all_services_ends_connections(
    app: Application, tunnels: FakeTunnels
) -> None:
    """From all services to some is less."""
    await furnish(app)
    token = await make_agent(app, "bot", "default")
    await change(app, services=["slack"])
    assert tunnels.closed == [token_sha256(token)]


async def test_a_limit_goes_with_its_vault(app: Application) -> None:
    """A vault of the same name made later is another one."""
    await furnish(app)
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await put_credentials(app, "work", KEY="k")
    await put_service(app, "one", "one.example", "KEY", "work")
    token = await make_agent(app, "bot", "default")
    await add(app, "one", vault="work")
    assert set(held(app, token).grants.values()) == {VaultRole.PROXY}
    await app.vaults.delete("work", ADA)
    assert held(app, token).services == {}
    assert list(held(app, token).grants) == [held_vault(app)]
