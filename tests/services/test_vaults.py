"""Vaults."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.names import VaultRole
from proxy_core.services.application import Application
from proxy_core.services.logs import LogQuery
from proxy_core.services.principal import peer
from tests.services.conftest import (
    ADA,
    FakeTunnels,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
    record,
)


async def code_of(call: object) -> str:
    """The code that the call is refused with."""
    with pytest.raises(VaultError) as caught:
        await call  # type: ignore[misc]
    return caught.value.code


async def test_vaults_are_created_listed_renamed_and_deleted(each_app: Application) -> None:
    """With what they hold carried over to the new name; each change is announced."""
    app = each_app
    made = await app.vaults.create(wire.VaultName(name="work"), ADA)
    await put_credentials(app, "work", API_KEY="x")
    await put_service(app, "example", "api.example.com", "API_KEY", "work")
    renamed = await app.vaults.rename("work", wire.VaultName(name="office"), ADA)
    assert (renamed.id, renamed.services_count, renamed.credentials_count) == (made.id, 1, 1)
    assert [vault.name for vault in (await app.vaults.list(ADA)).vaults] == ["default", "office"]
    await app.vaults.delete("office", ADA)
    assert [vault.name for vault in (await app.vaults.list(ADA)).vaults] == ["default"]
    changed = [event.data["name"] for event in events_of(app, "vault.changed")]
    assert changed == ["work", "office"]
    assert events_of(app, "vault.deleted")[0].data == {
        "vault": "office", "name": "office", "by": "operator ada",
    }  # fmt: skip


async def test_names_are_unique_and_slugs(each_app: Application) -> None:
    """A taken name is a conflict, for creation and renaming alike."""
    app = each_app
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await app.vaults.create(wire.VaultName(name="play"), ADA)
    assert await code_of(app.vaults.create(wire.VaultName(name="work"), ADA)) == "conflict"
    assert await code_of(app.vaults.rename("play", wire.VaultName(name="work"), ADA)) == "conflict"
    assert await code_of(app.vaults.create(wire.VaultName(name="No!"), ADA)) == "bad_request"


async def test_the_default_vault_stays(app: Application) -> None:
    """It can be neither deleted nor renamed: commands rely on its name."""
    assert await code_of(app.vaults.delete("default", ADA)) == "bad_request"
    name = wire.VaultName(name="other")
    assert await code_of(app.vaults.rename("default", name, ADA)) == "bad_request"


async def test_an_unknown_vault_is_not_found_everywhere(app: Application) -> None:
    """Each use case says so alike."""
    calls = [
        app.vaults.delete("nowhere", ADA),
        app.vaults.settings("nowhere"),
        app.credentials.list("nowhere"),
        app.credentials.set(wire.SetCredentials(credentials={"K": "v"}, vault="nowhere"), ADA),
        app.services.list("nowhere"),
        app.services.clear("nowhere", ADA),
        app.sessions.create(wire.CreateSession(vault="nowhere"), ADA, ""),
        app.sessions.list("nowhere"),
        app.logs.discovered_hosts("nowhere"),
    ]
    for call in calls:
        assert await code_of(call) == "vault_not_found"


async def test_an_agent_that_creates_a_vault_rules_it(app: Application) -> None:
    """It sees its own vaults; operators and peers see all."""
    token = await make_agent(app, "builder", "default", role="member")
    builder = app.identity.of_bearer(token)
    await app.vaults.create(wire.VaultName(name="mine"), builder)
    await app.vaults.create(wire.VaultName(name="other"), ADA)
    builder = app.identity.of_bearer(token)
    assert builder.vaults["mine"] is VaultRole.ADMIN
    assert [vault.name for vault in (await app.vaults.list(builder)).vaults] == ["default", "mine"]
    assert len((await app.vaults.list(peer())).vaults) == 3


async def test_deleting_a_vault_ends_its_sessions(app: Application, tunnels: FakeTunnels) -> None:
    """Their tokens are unknown at once and their connections end; agents lose the grant."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    agent = await make_agent(app, "both", "default", "work")
    session = await app.sessions.create(wire.CreateSession(vault="work"), ADA, "")
    held = app.identity.of_bearer(session.token).token_sha256
    await app.vaults.delete("work", ADA)
    assert tunnels.closed == [held]
    assert await_refused(app, session.token)
    assert list(app.identity.of_bearer(agent).vaults) == ["default"]


def await_refused(app: Application, token: str) -> bool:
    """Whether the API and the proxy both refuse the token."""
    with pytest.raises(VaultError):
        app.identity.of_bearer(token)
    with pytest.raises(VaultError):
        app.broker.authenticate(basic(token))
    return True


async def test_the_policy_is_one_of_the_known(app: Application) -> None:
    """Passthrough, deny or ask; nothing else is accepted and ignored."""
    for known in ("deny", "passthrough", "ask"):
        settings = wire.VaultSettings(unmatched_host_policy=known)
        await app.vaults.change_settings("default", settings, ADA)
        assert await app.vaults.settings("default") == settings
    for policy in ("Ask", "allow"):
        unknown = wire.VaultSettings(unmatched_host_policy=policy)
        assert await code_of(app.vaults.change_settings("default", unknown, ADA)) == "bad_request"


async def test_hits_follow_a_renamed_vault(app: Application) -> None:
    """What is remembered of a service isn't lost by a new vault name."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    await put_service(app, "example", "api.example.com", "API_KEY", "work")
    token = await make_agent(app, "bot", "work")
    app.broker.finished(record(app.broker.authenticate(basic(token))))
    await app.vaults.rename("work", wire.VaultName(name="office"), ADA)
    assert (await app.services.list("office")).services[0]["hits"] == 1


async def test_a_connection_outlives_its_vaults_name(app: Application) -> None:
    """A client that is connected goes on after a rename; a new one must use the new name."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    token = await make_agent(app, "bot", "default", "work")
    single = await make_agent(app, "single", "work")
    connected = [
        app.broker.authenticate(basic(token, "work")),
        app.broker.authenticate(basic(single)),
    ]
    await app.vaults.rename("work", wire.VaultName(name="office"), ADA)
    for access in connected:
        assert app.broker.decide(access, facts()).vault == "office"
        app.broker.finished(record(access))
    with pytest.raises(VaultError) as caught:
        app.broker.decide(app.broker.authenticate(basic(token, "work")), facts())
    assert caught.value.code == "vault_not_found"
    await app._context.log.flush()
    logs = (await app.logs.page("office", LogQuery())).logs
    assert [one.vault for one in logs] == ["office", "office"]
    (service,) = app._context.usage.services
    assert service == ("office", "example")


async def test_a_new_vault_of_an_old_name_is_another(app: Application) -> None:
    """A connection stays with its own vault, and ends with it."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    token = await make_agent(app, "bot", "work")
    access = app.broker.authenticate(basic(token, "work"))
    await app.vaults.rename("work", wire.VaultName(name="office"), ADA)
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    assert app.broker.decide(access, facts()).vault == "office"
    await app.vaults.delete("office", ADA)
    with pytest.raises(VaultError) as caught:
        app.broker.decide(access, facts())
    assert caught.value.code == "vault_not_found"
