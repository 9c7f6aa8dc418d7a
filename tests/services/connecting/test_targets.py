"""What is connected: credentials and accounts, new and anew; with the rights of whoever began."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.seal import Argon2Cost
from proxy_core.services.application import Application
from proxy_core.services.connecting.clients import stored_configuration
from tests.services.conftest import ADA, events_of
from tests.services.connecting.conftest import (
    Provider,
    begin,
    come_back,
    token_of,
)


async def connect_account(app: Application, provider: Provider, **more: object) -> wire.OAuthFlow:
    """Sign in for an account; answers how it ended."""
    fields = {} if more.get("account") else {"provider": "claude", **provider.fields()}
    chosen = {**fields, "token_format": "form", "headless": True, **more}
    if more.get("account"):
        del chosen["token_format"]
    request = wire.ConnectAccount(**chosen)  # type: ignore[arg-type]
    flow = await app.connecting.account(request, ADA)
    return await app.flows.complete(app.flows.get(flow.id), provider.agreed(flow))


def login_id(app: Application, key: str = "TOKEN") -> str:
    """The login of a credential."""
    return next(one.id for one in app.logins.all() if one.key == key)


async def test_connecting_anew(app: Application, provider: Provider) -> None:
    """A credential keeps its login and, with nothing said, its whole configuration and secret."""
    given = {"client_secret": "s3cret", "scopes": "read", "token_auth_method": "basic"}
    await come_back(app, provider.agreed(await begin(app, provider, **given)))
    first, before = await token_of(app), login_id(app)
    flow = await app.connecting.credential(wire.ConnectOAuth(key="TOKEN"), ADA)
    assert "scope=read" in flow.authorization_url
    ended = await come_back(app, provider.agreed(flow))
    assert ended.state == "connected"
    assert login_id(app) == before
    assert await token_of(app) != first
    assert provider.received[-1].headers["authorization"].startswith("Basic ")
    kept = await stored_configuration(app._context, before)
    assert kept.secret == b"s3cret"


async def test_connecting_anew_with_other_scopes_and_a_new_secret(
    app: Application, provider: Provider
) -> None:
    """These alone may be changed without naming the provider again."""
    await come_back(app, provider.agreed(await begin(app, provider)))
    request = wire.ConnectOAuth(key="TOKEN", scopes=["write"], client_secret="new")
    flow = await app.connecting.credential(request, ADA)
    assert "scope=write" in flow.authorization_url
    await come_back(app, provider.agreed(flow))
    assert (await stored_configuration(app._context, login_id(app))).secret == b"new"


@pytest.mark.parametrize(
    "field", ["authorization_url", "device_authorization_url", "client_id", "token_auth_method"]
)
async def test_a_stored_secret_goes_nowhere_else(
    app: Application, provider: Provider, field: str
) -> None:
    """Part of a configuration is refused, lest the kept secret be sent to a new place."""
    await come_back(app, provider.agreed(await begin(app, provider, client_secret="s3cret")))
    request = wire.ConnectOAuth(key="TOKEN", **{field: "https://evil.test/"})
    with pytest.raises(VaultError, match=field):
        await app.connecting.credential(request, ADA)


async def test_a_failed_reconnection_leaves_what_was_there(
    app: Application, provider: Provider
) -> None:
    """Tokens and configuration stay as they were."""
    await come_back(app, provider.agreed(await begin(app, provider)))
    before = await token_of(app)
    flow = await begin(app, provider, client_id="another")
    state = app.flows.get(flow.id).request
    assert state is not None
    ended = await app.flows.callback(f"code=wrong&state={state.state}")
    assert ended.state == "failed"
    assert await token_of(app) == before
    assert (await stored_configuration(app._context, login_id(app))).client.client_id == "cli"


async def test_nothing_said_of_a_new_credential(app: Application) -> None:
    """There is nothing to keep."""
    with pytest.raises(VaultError, match="Say where to log in"):
        await app.connecting.credential(wire.ConnectOAuth(key="NEW"), ADA)


async def test_a_new_account(app: Application, provider: Provider) -> None:
    """It has the e-mail that the provider tells, and the first one makes the pool."""
    provider.email = "ada@example.com"
    ended = await connect_account(app, provider)
    assert (ended.state, ended.provider, ended.key) == ("connected", "claude", "")
    assert ended.account is not None
    assert (ended.account.account.email, ended.account.pool, ended.account.created) == (
        "ada@example.com",
        "ANTHROPIC",
        True,
    )


async def test_an_account_that_signs_in_again(app: Application, provider: Provider) -> None:
    """It is known by its e-mail, and by its name; its tokens are replaced."""
    provider.email = "ada@example.com"
    await connect_account(app, provider, nickname="work")
    again = await connect_account(app, provider)
    assert again.account is not None
    assert again.account.reconnected
    assert again.account.account.nickname == "work"
    provider.email = ""
    named = await connect_account(app, provider, account="wo")
    assert named.account is not None
    assert named.account.reconnected
    assert len(app.accounts.admin.list("default").accounts) == 1
    assert events_of(app, "account.changed")[-1].data["change"] == "reconnected"


async def test_somebody_else_signs_in(app: Application, provider: Provider) -> None:
    """One account's name never gets another's tokens."""
    provider.email = "ada@example.com"
    await connect_account(app, provider)
    provider.email = "bob@example.com"
    ended = await connect_account(app, provider, account="ada")
    assert (ended.state, ended.error) == ("failed", "conflict")
    assert "bob@example.com" in ended.message


async def test_accounts_that_can_not_be_added(app: Application, provider: Provider) -> None:
    """Refused before anybody is asked."""
    for fields, code in (
        ({"provider": ""}, "bad_request"),
        ({"nickname": "a b"}, "bad_request"),
        ({"email": "no one"}, "bad_request"),
        ({"account": "nobody"}, "not_found"),
        ({"provider": "no-such-preset"}, "bad_request"),
    ):
        request = wire.ConnectAccount(**{"provider": "claude", **fields})  # type: ignore[arg-type]
        with pytest.raises(VaultError) as caught:
            await app.connecting.account(request, ADA)
        assert caught.value.code == code


async def test_an_agent_whose_token_is_revoked_meanwhile(
    app: Application, provider: Provider
) -> None:
    """What it has begun ends with its rights."""
    grants = [wire.AgentVault(vault_name="default", vault_role="member")]
    created = await app.agents.create(wire.CreateAgent(name="bot", vaults=grants), ADA)
    bot = app.identity.of_bearer(created.av_agent_token)
    request = wire.ConnectOAuth(key="TOKEN", **provider.fields())  # type: ignore[arg-type]
    one = await app.connecting.credential(request, bot)
    two = await app.connecting.credential(request, bot)
    assert (await come_back(app, provider.agreed(one))).state == "connected"
    before = await token_of(app)
    await app.agents.delete("bot", ADA)
    ended = await come_back(app, provider.agreed(two))
    assert (ended.state, ended.error) == ("failed", "vault_forbidden")
    assert await token_of(app) == before


async def test_a_user_whose_role_is_taken_meanwhile(app: Application, provider: Provider) -> None:
    """A member's ends with the role, anybody's with the session; an owner needs no role."""
    app.users.passwords.cost = Argon2Cost(time=1, memory_kib=64, lanes=1)
    member = [wire.UserVault(vault_name="default", vault_role="member")]
    for name, role, vaults in (("mia", "member", member), ("olga", "owner", [])):
        wanted = wire.CreateUser(email=name, password="correct horse", role=role, vaults=vaults)
        await app.users.admin.create(wanted, ADA)
    mia, olga = [
        app.identity.of_bearer((await app.users.login(name, "correct horse")).token)
        for name in ("mia", "olga")
    ]
    request = wire.ConnectOAuth(key="TOKEN", **provider.fields())  # type: ignore[arg-type]
    one, two = [await app.connecting.credential(request, by) for by in (mia, olga)]
    three = await app.connecting.credential(request, olga)
    await app.users.members.revoke("default", "mia", ADA)
    ended = await come_back(app, provider.agreed(one))
    assert (ended.state, ended.error) == ("failed", "vault_forbidden")
    assert (await come_back(app, provider.agreed(two))).state == "connected"
    await app.users.sessions.logout(olga)
    ended = await come_back(app, provider.agreed(three))
    assert (ended.state, ended.error) == ("failed", "vault_forbidden")
