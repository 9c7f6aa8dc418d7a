"""A login in a browser: a state that counts once, and what becomes of everything else."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from proxy_core.base.clock import FakeClock, parse_rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.connecting.flows import KEPT, MAX_OF_ONE, MAX_UNDER_WAY
from proxy_core.services.principal import operator
from tests.services.conftest import ADA, events_of, put_credentials
from tests.services.connecting.conftest import (
    CALLBACK,
    Provider,
    begin,
    come_back,
    token_of,
)


async def refused(steps: object) -> VaultError:
    """The error that these steps end in."""
    with pytest.raises(VaultError) as caught:
        await steps  # type: ignore[misc]
    return caught.value


async def keys(app: Application) -> list[str]:
    """The credentials that there are."""
    return (await app.credentials.list("default")).keys


async def test_a_browser_that_comes_back(app: Application, provider: Provider) -> None:
    """The tokens of the exchange are stored and lent; the flow shows nothing to open any more."""
    flow = await begin(app, provider, scopes="read write")
    assert (flow.state, flow.kind, flow.key, flow.vault) == (
        "pending",
        "browser",
        "TOKEN",
        "default",
    )
    asked = parse_qs(urlsplit(flow.authorization_url).query)
    assert asked["redirect_uri"] == [flow.redirect_uri] == [CALLBACK]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["scope"] == ["read write"]
    assert "TOKEN" not in await keys(app)
    ended = await come_back(app, provider.agreed(flow))
    assert (ended.state, ended.id) == ("connected", flow.id)
    assert ended.connected_at
    assert not ended.authorization_url
    assert provider.accepts(await token_of(app))
    assert app.oauth.status("default", "TOKEN").connected


async def test_a_state_counts_once(app: Application, provider: Provider) -> None:
    """The same address again is no login's, and is not exchanged again."""
    flow = await begin(app, provider)
    address = provider.agreed(flow)
    await come_back(app, address)
    error = await refused(come_back(app, address))
    assert error.code == "not_found"
    assert provider.requests == 1
    assert (await refused(app.flows.complete(app.flows.get(flow.id), address))).code == "conflict"


async def test_a_state_used_while_it_is_being_exchanged(
    app: Application, provider: Provider
) -> None:
    """Two browsers with one address at the same time: one counts."""
    address = provider.agreed(await begin(app, provider))
    both = (come_back(app, address), come_back(app, address))
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(first, wire.OAuthFlow)
    assert first.state == "connected"
    assert isinstance(second, VaultError)
    assert second.code == "not_found"
    assert provider.requests == 1


@pytest.mark.parametrize(
    "query", ["", "code=x", "code=x&state=", "code=x&state=other", "state=%FF"]
)
async def test_a_foreign_state(app: Application, provider: Provider, query: str) -> None:
    """It ends nothing: the login still waits, and the provider is not asked."""
    flow = await begin(app, provider)
    assert (await refused(app.flows.callback(query))).code == "not_found"
    assert app.flows.get(flow.id).pending
    assert provider.requests == 0
    assert (await come_back(app, provider.agreed(flow))).state == "connected"


async def test_ten_minutes(app: Application, provider: Provider, clock: FakeClock) -> None:
    """Up to then, and not longer; the flow says that it has expired."""
    flow = await begin(app, provider)
    assert parse_rfc3339(flow.expires_at) == clock.time() + 600
    other = await begin(app, provider, "OTHER")
    clock.advance(599)
    assert (await come_back(app, provider.agreed(other))).state == "connected"
    clock.advance(1)
    assert (await refused(come_back(app, provider.agreed(flow)))).code == "not_found"
    found = await app.flows.wait(app.flows.get(flow.id), 0)
    assert (found.state, found.error) == ("expired", "expired")
    assert "TOKEN" not in await keys(app)


async def test_two_logins_at_once(app: Application, provider: Provider) -> None:
    """Each state belongs to its own flow, in whatever order they come back."""
    one, two = await begin(app, provider, "ONE"), await begin(app, provider, "TWO")
    ended = await come_back(app, provider.agreed(two))
    assert (ended.id, ended.key) == (two.id, "TWO")
    assert app.flows.get(one.id).pending
    assert (await come_back(app, provider.agreed(one))).key == "ONE"
    assert await token_of(app, "ONE") != await token_of(app, "TWO")


async def test_a_persons_refusal(app: Application, provider: Provider) -> None:
    """The provider's error callback ends the login with its reason, made safe to show."""
    flow = await begin(app, provider)
    state = parse_qs(urlsplit(flow.authorization_url).query)["state"][0]
    query = f"error=access_denied&error_description=No%1B%5B31m+thanks&state={state}"
    ended = await app.flows.callback(query)
    assert (ended.state, ended.error) == ("failed", "access_denied")
    assert "thanks" in ended.message
    assert "\x1b" not in ended.message
    assert provider.requests == 0
    assert "TOKEN" not in await keys(app)


async def test_a_code_that_the_provider_refuses(app: Application, provider: Provider) -> None:
    """Nothing is stored, and the code stands in no message."""
    flow = await begin(app, provider)
    state = parse_qs(urlsplit(flow.authorization_url).query)["state"][0]
    ended = await app.flows.callback(f"code=s3cret-code&state={state}")
    assert (ended.state, ended.error) == ("failed", "invalid_grant")
    assert "s3cret" not in ended.message
    assert "TOKEN" not in await keys(app)


async def test_following(app: Application, provider: Provider) -> None:
    """Who waits hears of the end at once; who doesn't wait sees how it stands."""
    flow = await begin(app, provider)
    assert (await app.flows.wait(app.flows.get(flow.id), 0)).state == "pending"
    waiting = asyncio.create_task(app.flows.wait(app.flows.get(flow.id), 60))
    await asyncio.sleep(0)
    await come_back(app, provider.agreed(flow))
    async with asyncio.timeout(30):
        assert (await waiting).state == "connected"


async def test_cancelling(app: Application, provider: Provider) -> None:
    """A login that was given up takes no callback; giving it up twice changes nothing."""
    flow = await begin(app, provider)
    ended = await app.flows.cancel(app.flows.get(flow.id))
    assert (ended.state, ended.error) == ("cancelled", "cancelled")
    assert (await app.flows.cancel(app.flows.get(flow.id))).state == "cancelled"
    assert (await refused(come_back(app, provider.agreed(flow)))).code == "not_found"
    assert provider.requests == 0


async def test_cancelling_what_is_being_exchanged(app: Application, provider: Provider) -> None:
    """What the provider issues is not lost: the login comes to its end first."""
    flow = await begin(app, provider)
    coming = asyncio.create_task(come_back(app, provider.agreed(flow)))
    await asyncio.sleep(0)
    assert (await app.flows.cancel(app.flows.get(flow.id))).state == "connected"
    assert (await coming).state == "connected"


async def test_a_browser_that_leaves_early(app: Application, provider: Provider) -> None:
    """The exchange goes on when the page is closed meanwhile."""
    flow = await begin(app, provider)
    coming = asyncio.create_task(come_back(app, provider.agreed(flow)))
    await asyncio.sleep(0)
    coming.cancel()
    assert (await app.flows.wait(app.flows.get(flow.id), 5)).state == "connected"


async def test_sealing(app: Application, provider: Provider) -> None:
    """A sealed vault begins no login and gives up those that wait."""
    flow = await begin(app, provider)
    await app.keys.seal(ADA)
    ended = await app.flows.wait(app.flows.get(flow.id), 0)
    assert (ended.state, ended.error) == ("cancelled", "sealed")
    assert (await refused(begin(app, provider))).code == "sealed"
    assert (await refused(come_back(app, provider.agreed(flow)))).code == "not_found"


async def test_closing(app: Application, provider: Provider) -> None:
    """A worker that ends gives up what waits."""
    flow = await begin(app, provider)
    await app.flows.close()
    assert app.flows.get(flow.id).state == "cancelled"


async def test_there_are_only_so_many(app: Application, provider: Provider) -> None:
    """Of one principal, and in all; those that have ended do not count, and are forgotten."""
    first = await begin(app, provider)
    for _ in range(MAX_OF_ONE - 1):
        await begin(app, provider)
    error = await refused(begin(app, provider))
    assert (error.code, error.retry_after) == ("overloaded", 30)
    await app.flows.cancel(app.flows.get(first.id))
    await begin(app, provider)
    for number in range(MAX_UNDER_WAY - MAX_OF_ONE):
        request = wire.ConnectOAuth(key="TOKEN", **provider.fields())  # type: ignore[arg-type]
        await app.connecting.credential(request, operator(f"op{number}"))
    request = wire.ConnectOAuth(key="TOKEN", **provider.fields())  # type: ignore[arg-type]
    error = await refused(app.connecting.credential(request, operator("one-more")))
    assert error.code == "overloaded"


async def test_old_ends_are_forgotten(app: Application, provider: Provider) -> None:
    """The newest are remembered, for whoever asks how they went."""
    flows = []
    for _ in range(KEPT + 2):
        flows.append(await begin(app, provider))
        await app.flows.cancel(app.flows.get(flows[-1].id))
    await begin(app, provider)
    with pytest.raises(VaultError, match="No login with this id"):
        app.flows.get(flows[0].id)
    assert app.flows.get(flows[-1].id).state == "cancelled"


async def test_events(app: Application, provider: Provider) -> None:
    """Beginning and end are told, without address, code or state."""
    flow = await begin(app, provider)
    address = provider.agreed(flow)
    await come_back(app, address)
    (started,) = events_of(app, "connect.started")
    (ended,) = events_of(app, "connect.ended")
    assert started.data == {
        "vault": "default",
        "name": "TOKEN",
        "id": flow.id,
        "kind": "browser",
        "state": "pending",
        "by": "operator ada",
    }
    assert ended.data == {**started.data, "state": "connected"}
    changed = events_of(app, "credential.changed")[-1]
    assert (changed.data["name"], changed.data["by"]) == ("TOKEN", "operator ada")


async def test_no_secret_in_a_repr(app: Application, provider: Provider) -> None:
    """Neither state nor verifier nor secret stands in what might be logged."""
    flow = await begin(app, provider, client_secret="s3cret", token_auth_method="post")
    inside = app.flows.get(flow.id)
    assert inside.request is not None
    shown = f"{inside!r} {flow!r}"
    for secret in (inside.request.state, inside.request.verifier, "s3cret"):
        assert secret not in shown


async def test_a_key_of_another_type(app: Application, provider: Provider) -> None:
    """It is refused before anybody is asked, and at the end if it came meanwhile."""
    await put_credentials(app, TOKEN="stored value")
    assert (await refused(begin(app, provider))).code == "conflict"
    flow = await begin(app, provider, "LATER")
    await put_credentials(app, LATER="stored value")
    ended = await come_back(app, provider.agreed(flow))
    assert (ended.state, ended.error) == ("failed", "conflict")


async def test_the_vault_is_renamed_or_deleted_meanwhile(
    app: Application, provider: Provider
) -> None:
    """A flow follows its vault's name, and fails when the vault is gone."""
    await app.vaults.create(wire.VaultName(name="work"), ADA)
    one = await begin(app, provider, vault="work")
    two = await begin(app, provider, vault="work")
    await app.vaults.rename("work", wire.VaultName(name="office"), ADA)
    ended = await come_back(app, provider.agreed(one))
    assert (ended.state, ended.vault) == ("connected", "office")
    await app.vaults.delete("office", ADA)
    ended = await come_back(app, provider.agreed(two))
    assert (ended.state, ended.error) == ("failed", "vault_not_found")
