"""Tokens made of stored keys: kept, shared, made ahead of time, and made again after a 401."""

import asyncio
from dataclasses import dataclass, field

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.cloud.minted import Recipe
from proxy_core.domain.exchange import Decision, Injection, ResponseFacts
from proxy_core.domain.oauth import TokenError, TokenSet
from proxy_core.services.application import Application
from tests.services.conftest import ADA, basic, facts, make_agent, put_credentials

HOST = "api.github.com"
AUTH = {"type": "github-app", "app_id": "1", "installation_id": "2", "private_key": "APP_KEY"}


@dataclass
class FakeMinter:
    """Gives out numbered tokens that live an hour."""

    clock: FakeClock
    keys: list[bytes] = field(default_factory=list)
    recipes: list[Recipe] = field(default_factory=list)
    refusal: TokenError | None = None
    gate: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def mint(self, recipe: Recipe, key: bytes) -> TokenSet:
        self.keys.append(key)
        self.recipes.append(recipe)
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        token = f"token-{len(self.keys)}".encode()
        return TokenSet(token, expires_at=self.clock.time() + 3600)


@pytest.fixture
async def minter(app: Application, clock: FakeClock) -> FakeMinter:
    """A vault whose service github mints its tokens."""
    await put_credentials(app, APP_KEY="pem")
    await put(app, "github", HOST)
    minter = FakeMinter(clock)
    app.minted_tokens.attach(minter)
    return minter


async def put(app: Application, name: str, host: str, **auth: str) -> None:
    """Store a service."""
    document = {"name": name, "host": host, "auth": {**AUTH, **auth}}
    await app.services.upsert("default", wire.ServicesRequest(services=[document]), ADA)


async def decide(app: Application, host: str = HOST) -> Decision:
    """An agent's request."""
    agents = {bearer.actor_name for bearer in app._context.snapshot.bearers.values()}
    token = await make_agent(app, f"bot-{len(agents)}", "default")
    decision = app.broker.decide(app.broker.authenticate(basic(token)), facts(host))
    assert isinstance(decision, Decision)
    return decision


def bearer(injection: Injection) -> bytes:
    """The token that is sent."""
    ((name, value),) = injection.headers
    assert name == b"Authorization"
    return value.removeprefix(b"Bearer ")


async def refused_with(app: Application, decision: Decision) -> VaultError:
    """The error that an agent gets."""
    with pytest.raises(VaultError) as caught:
        await app.broker.inject(decision)
    return caught.value


def unauthorised() -> ResponseFacts:
    """What an upstream says to a token that it doesn't take."""
    return ResponseFacts(401, (), repeatable=True)


async def test_requests_get_the_token_and_never_the_key(
    app: Application, minter: FakeMinter
) -> None:
    """One token serves all until it ends; responses are scrubbed of it."""
    decision = await decide(app)
    assert (decision.borrows, decision.reconsiders) == (True, True)
    injections = [await app.broker.inject(decision) for _ in range(3)]
    assert {bearer(one) for one in injections} == {b"token-1"}
    assert minter.keys == [b"pem"]
    scrub = injections[0].scrub
    assert scrub is not None
    assert scrub.whole(b"you sent token-1") == b"you sent __app_key__"


async def test_git_gets_it_as_a_password(app: Application, minter: FakeMinter) -> None:
    """The host that serves git alone; each host has a token of its own."""
    await put(app, "git", "github.com")
    ((_, value),) = (await app.broker.inject(await decide(app, "github.com"))).headers
    assert value == b"Basic eC1hY2Nlc3MtdG9rZW46dG9rZW4tMQ=="


async def test_many_requests_make_one(app: Application, minter: FakeMinter) -> None:
    """Twenty that find no token wait for the same; one that leaves takes nothing along."""
    minter.gate = asyncio.Event()
    decision = await decide(app)
    waiting = [asyncio.create_task(app.broker.inject(decision)) for _ in range(20)]
    await minter.asked.wait()
    waiting[0].cancel()
    minter.gate.set()
    done = await asyncio.gather(*waiting[1:])
    assert {bearer(one) for one in done} == {b"token-1"}
    assert len(minter.keys) == 1


async def test_a_token_is_made_anew_before_it_ends(
    app: Application, minter: FakeMinter, clock: FakeClock
) -> None:
    """The request that finds it due still uses it; an expired one is waited for."""
    decision = await decide(app)
    await app.broker.inject(decision)
    clock.advance(3600 - 200)
    assert bearer(await app.broker.inject(decision)) == b"token-1"
    await asyncio.gather(*app.minted_tokens._running)
    assert bearer(await app.broker.inject(decision)) == b"token-2"
    clock.advance(3600)
    assert bearer(await app.broker.inject(decision)) == b"token-3"


async def test_another_key_makes_another_token(app: Application, minter: FakeMinter) -> None:
    """So does another app; nothing of the key before is used."""
    decision = await decide(app)
    await app.broker.inject(decision)
    await put_credentials(app, APP_KEY="new pem")
    assert bearer(await app.broker.inject(decision)) == b"token-2"
    await put(app, "github", HOST, app_id="other")
    assert bearer(await app.broker.inject(await decide(app))) == b"token-3"
    assert minter.keys == [b"pem", b"new pem", b"new pem"]
    assert minter.recipes[-1].auth.app_id == "other"


async def test_sealing_forgets_the_tokens(app: Application, minter: FakeMinter) -> None:
    """What is made after opening is new."""
    decision = await decide(app)
    await app.broker.inject(decision)
    await app.keys.seal(ADA)
    assert (await refused_with(app, decision)).code == "sealed"
    await app.keys.unseal_automatically()
    assert bearer(await app.broker.inject(decision)) == b"token-2"


async def test_a_401_has_another_made_once(
    app: Application, minter: FakeMinter, clock: FakeClock
) -> None:
    """Shared by all who got it; a second 401 passes, as does one for a token just made."""
    decision = await decide(app)
    first = await app.broker.inject(decision)
    assert await app.broker.reconsider(decision, first.loan, unauthorised()) is None
    clock.advance(60)
    again = await asyncio.gather(
        *(app.broker.reconsider(decision, first.loan, unauthorised()) for _ in range(3))
    )
    assert None not in again
    assert again[0] is not None
    second = await app.broker.inject(again[0])
    assert bearer(second) == b"token-2"
    assert len(minter.keys) == 2
    clock.advance(60)
    assert await app.broker.reconsider(again[0], second.loan, unauthorised()) is None
    forbidden = ResponseFacts(403, (), repeatable=True)
    assert await app.broker.reconsider(decision, second.loan, forbidden) is None


async def test_a_401_passes_when_the_key_has_gone(
    app: Application, minter: FakeMinter, clock: FakeClock
) -> None:
    """There is nothing left to make another token of."""
    decision = await decide(app)
    loan = (await app.broker.inject(decision)).loan
    clock.advance(60)
    await app.credentials.delete(wire.DeleteCredentials(["APP_KEY"]), ADA)
    assert await app.broker.reconsider(decision, loan, unauthorised()) is None
    assert len(minter.keys) == 1


async def test_a_failure_says_why_and_what_mends_it(
    app: Application, minter: FakeMinter, clock: FakeClock
) -> None:
    """It is not asked again at once, and works when its cause has gone."""
    minter.refusal = TokenError(True, "http_404", "Integration not found", status=404)
    decision = await decide(app)
    error = await refused_with(app, decision)
    assert error.code == "token_mint_failed"
    assert "Integration not found" in error.detail
    assert error.extra["remedy"] == "vault-tui credential set APP_KEY --vault default"
    assert (await refused_with(app, decision)).detail == error.detail
    assert len(minter.keys) == 1
    clock.advance(90)
    minter.refusal = None
    assert bearer(await app.broker.inject(decision)) == b"token-2"


async def test_a_token_serves_while_the_endpoint_is_away(
    app: Application, minter: FakeMinter, clock: FakeClock
) -> None:
    """A failure to make the next one is nobody's concern until this one has ended."""
    decision = await decide(app)
    await app.broker.inject(decision)
    minter.refusal = TokenError(False, "unreachable", "away")
    clock.advance(3600 - 100)
    for _ in range(2):
        assert bearer(await app.broker.inject(decision)) == b"token-1"
        await asyncio.gather(*app.minted_tokens._running)
    assert len(minter.keys) == 2
    clock.advance(101)
    assert (await refused_with(app, decision)).code == "token_mint_failed"


async def test_a_key_that_is_not_stored_is_named(app: Application, minter: FakeMinter) -> None:
    """With the command that stores it."""
    await put(app, "github", HOST, private_key="NOWHERE")
    error = await refused_with(app, await decide(app))
    assert error.code == "credential_not_found"
    assert error.extra["remedy"] == "vault-tui credential set NOWHERE --vault default"
    assert not minter.keys
