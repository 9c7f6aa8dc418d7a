"""What operators do with accounts and pools."""

import json

import pytest

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.exchange import Decision
from proxy_core.domain.oauth import Subject, TokenError, TokenSet
from proxy_core.services.application import Application
from tests.services.accounts.conftest import World
from tests.services.accounts.provider import Reply, Tokens
from tests.services.conftest import (
    ADA,
    Opener,
    basic,
    events_of,
    facts,
    make_agent,
    put_credentials,
    put_service,
    seen_events,
)

DAY = 86_400.0


def request(**more: object) -> wire.AddAccount:
    """Tokens without an end, of ada."""
    values = {"provider": "claude", "tokens": {"access_token": "at-1"}, "email": "ada@x.org"}
    return wire.AddAccount(**{**values, **more})  # type: ignore[arg-type]


async def refused(world: World, wanted: wire.AddAccount) -> VaultError:
    """Why it is not added."""
    with pytest.raises(VaultError) as caught:
        await world.app.accounts.adding.paste(wanted, ADA)
    return caught.value


async def test_a_refresh_token_is_proven_by_using_it(world: World) -> None:
    """What comes back is stored, and tells whose it is."""
    subject = Subject(email="ada@x.org", tier="max")
    world.tokens.fresh = [TokenSet(b"at-2", b"rt-2", world.now + 3600, subject=subject)]
    tokens = {"access_token": "at-1", "refresh_token": "rt-1"}
    added = await world.app.accounts.adding.paste(request(tokens=tokens, email=""), ADA)
    assert world.tokens.refreshed == [b"rt-1"]
    assert (added.account.email, added.account.nickname) == ("ada@x.org", "ada")
    assert (added.account.tier, added.pool, added.created) == ("max", "ANTHROPIC", True)
    await world.ask()
    assert world.provider.served == ["at-2"]


async def test_times_of_an_account_that_was_kept_elsewhere(world: World) -> None:
    """They go on; none lies in the future, and what is no time is refused."""
    past = {"created_at": "2024-01-01T00:00:00Z", "last_used_at": "2999-01-01T00:00:00Z"}
    added = await world.app.accounts.adding.paste(request(**past), ADA)
    assert added.account.created_at == "2024-01-01T00:00:00.000Z"
    assert added.account.last_used_at == rfc3339(world.now)
    for wrong in ("yesterday", "2024-01-01", "2024-01-01T00:00:00", "1024-01-01T00:00:00Z"):
        error = await refused(world, request(email="b@x.org", created_at=wrong))
        assert error.code == "bad_request"


async def test_nothing_is_stored_when_that_fails(world: World) -> None:
    """Whether the provider refuses it or is away; the message repeats no token."""
    tokens = {"access_token": "at-1", "refresh_token": "rt-1"}
    error = await refused(world, request(tokens=tokens))
    assert error.code == "bad_request"
    assert "nothing is stored" in str(error)
    assert "rt-1" not in str(error)

    async def away(*_: object) -> TokenSet:
        raise TokenError(False, "unreachable", "no answer")

    world.tokens.refresh = away  # type: ignore[method-assign]
    assert (await refused(world, request(tokens=tokens))).code == "oauth_refresh_failed"
    assert world.app.accounts.admin.list("default").accounts == []
    assert world.app.accounts.pools.list("default").pools == []


async def test_what_is_wrong_is_refused_before_the_token_is_used(world: World) -> None:
    """A refresh token is spent by proving it."""
    await world.add("ada", email="ada@x.org")
    tokens = {"access_token": "at-1", "refresh_token": "rt-1"}
    for more, code in (
        ({"email": "b@x", "nickname": "ada"}, "conflict"),
        ({"email": "b@x", "nickname": "a b"}, "bad_request"),
        ({"email": "b x"}, "bad_request"),
        ({"provider": "nobody"}, "not_found"),
        ({"provider": "a/b"}, "bad_request"),
        ({"vault": "other"}, "vault_not_found"),
        ({"token_url": "http://example.com/token"}, "bad_request"),
    ):
        assert (await refused(world, request(tokens=tokens, **more))).code == code, more
    await world.app.keys.seal("ada")
    assert (await refused(world, request(tokens=tokens, email="b@x"))).code == "sealed"
    assert world.tokens.refreshed == []


async def test_the_same_email_is_connected_anew(world: World) -> None:
    """Also when only the provider's reply tells it: the tokens that were rotated are kept."""
    await world.add("ada", email="ada@x.org")
    for told, email in ((Subject(), "ADA@X.ORG"), (Subject(email="ada@x.org"), "")):
        world.tokens.fresh = [TokenSet(b"at-new", b"rt-new", None, subject=told)]
        tokens = {"access_token": "at-1", "refresh_token": "rt-1"}
        added = await world.app.accounts.adding.paste(request(tokens=tokens, email=email), ADA)
        assert (added.reconnected, added.pool, added.account.nickname) == (True, "ANTHROPIC", "ada")
    await world.ask()
    assert world.provider.served == ["at-new"]
    assert len(world.app.accounts.admin.list("default").accounts) == 1


async def test_a_client_with_a_secret(world: World) -> None:
    """It proves itself with it, and the secret is kept sealed for the next refresh."""
    seen: list[bytes | None] = []

    async def refresh(client: object, secret: bytes | None, token: bytes) -> TokenSet:
        seen.append(secret)
        return TokenSet(b"at-2", b"rt-2", world.now + 3600)

    world.tokens.refresh = refresh  # type: ignore[assignment,method-assign]
    tokens = {"access_token": "at-1", "refresh_token": "rt-1"}
    wanted = request(provider="slack", tokens=tokens, client_id="c", client_secret="cs-1")
    added = await world.app.accounts.adding.paste(wanted, ADA)
    await world.app.accounts.admin.refresh("default", added.account.id, ADA)
    assert seen == [b"cs-1", b"cs-1"]
    assert "cs-1" not in repr(wanted)


async def test_the_first_account_makes_the_pool_and_others_are_asked(world: World) -> None:
    """Nothing is shared before somebody says so."""
    assert (await world.add("a", join=None)).created
    second = await world.add("b", join=None)
    assert (second.pool, second.suggested) == ("", "ANTHROPIC")
    assert (await world.add("c")).pool == "ANTHROPIC"
    (pool,) = world.app.accounts.pools.list("default").pools
    assert pool.accounts == ["a", "c"]
    members = wire.PoolMembers(accounts=["b", "a"])
    joined = await world.app.accounts.pools.add("ANTHROPIC", members, ADA)
    assert joined.accounts == ["a", "c", "b"]


async def test_a_key_that_is_taken_gets_no_pool(world: World) -> None:
    """A stored value of that name stays what it is."""
    await put_credentials(world.app, ANTHROPIC="sk-ant-api")
    added = await world.add("a", join=None)
    assert (added.pool, added.created) == ("", False)
    create = wire.CreatePool(key="ANTHROPIC", accounts=["a"])
    with pytest.raises(VaultError) as caught:
        await world.app.accounts.pools.create(create, ADA)
    assert caught.value.code == "conflict"


async def test_a_pools_accounts_have_one_provider(world: World) -> None:
    """Another provider's token would reach the wrong host."""
    await world.add("a")
    await world.app.accounts.adding.paste(
        request(provider="slack", email="s@x.org", client_id="c"), ADA
    )
    pools = world.app.accounts.pools
    for attempt in (
        pools.create(wire.CreatePool(key="BOTH", accounts=["a", "s@x.org"]), ADA),
        pools.add("ANTHROPIC", wire.PoolMembers(accounts=["s"]), ADA),
        pools.create(wire.CreatePool(key="NONE", accounts=[]), ADA),
    ):
        with pytest.raises(VaultError) as caught:
            await attempt
        assert caught.value.code == "bad_request"
    assert [pool.key for pool in pools.list("default").pools] == ["ANTHROPIC", "SLACK"]


async def test_removed_for_thirty_days(world: World, reopen: Opener) -> None:
    """It serves nobody, the next one is the default, and it can be brought back; then it is gone
    with its tokens.
    """
    for name in ("a", "b"):
        await world.add(name)
    admin = world.app.accounts.admin
    removed = await admin.remove("default", "a", ADA)
    assert removed.restorable_until == "2025-07-15T15:06:40.000Z"
    assert world.account("b").default
    await world.ask()
    assert (await admin.restore("default", "a@example.com", ADA)).nickname == "a"
    assert [one.default for one in admin.list("default").accounts] == [False, True]
    await admin.remove("default", "a", ADA)
    world.clock.advance(30 * DAY + 1)
    await world.app.accounts.keeping.tick()
    with pytest.raises(VaultError):
        await admin.restore("default", "a", ADA)
    again = await reopen()
    assert [one.nickname for one in again.accounts.admin.list("default").accounts] == ["b"]
    assert len(again.logins.all()) == 1


async def test_a_name_that_was_taken_meanwhile(world: World) -> None:
    """Then it is not brought back."""
    await world.add("a")
    await world.app.accounts.admin.remove("default", "a", ADA)
    await world.add("a")
    with pytest.raises(VaultError) as caught:
        await world.app.accounts.admin.restore("default", "a", ADA)
    assert caught.value.code == "conflict"


async def test_an_agent_pinned_to_a_removed_account(world: World) -> None:
    """Is told which account that was and what to do, rather than given another one."""
    await world.add("a")
    await world.add("b")
    admin = world.app.accounts.admin
    await admin.pin("a", wire.PinAccount(agent="bot"), ADA)
    await admin.remove("default", "a", ADA)
    status, head, body = await world.ask()
    problem = json.loads(body)
    assert (status, problem["code"], problem["account"]) == (502, "account_removed", "a")
    assert "account a of vault default" in problem["detail"]
    assert "`vault-tui agent unpin NAME`" in problem["detail"]
    assert b"x-should-retry: false" in head
    assert world.provider.served == []
    await admin.unpin(wire.PinAccount(agent="bot"), ADA)
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["b"]


async def test_a_pool_of_paused_accounts(world: World) -> None:
    """Says who has paused them and what ends that; Retry-After tells when to look again."""
    await world.add("a")
    await world.add("b")
    admin = world.app.accounts.admin
    await admin.pause("default", "a", ADA)
    await admin.pause("default", "b", ADA)
    status, head, body = await world.ask()
    problem = json.loads(body)
    assert (status, problem["code"]) == (429, "accounts_exhausted")
    assert b"Retry-After: 60\r\n" in head
    assert "an operator has paused a, b" in problem["detail"]
    assert problem["remedy"] == "vault-tui account resume a --vault default"
    await admin.pin("b", wire.PinAccount(agent="bot"), ADA)
    _, head, body = await world.ask()
    assert json.loads(body)["remedy"] == "vault-tui account resume b --vault default"
    assert b"Retry-After: 60\r\n" in head


async def test_a_pool_whose_last_account_was_removed(world: World) -> None:
    """Nobody is signed in any more: no limit to wait for, but a command that mends it."""
    await world.add("a")
    await world.app.accounts.admin.remove("default", "a", ADA)
    status, _, body = await world.ask()
    problem = json.loads(body)
    assert (status, problem["code"]) == (502, "oauth_not_connected")
    assert problem["remedy"] in problem["detail"]
    assert problem["remedy"] == "vault-tui account add --provider claude --pool --vault default"


async def test_pins_that_are_none(world: World) -> None:
    """Nobody named, both named, unknown ones."""
    await world.add("a")
    admin = world.app.accounts.admin
    for wanted, code in (
        (wire.PinAccount(), "bad_request"),
        (wire.PinAccount(agent="bot", session="s"), "bad_request"),
        (wire.PinAccount(agent="nobody"), "not_found"),
        (wire.PinAccount(session="nobody"), "not_found"),
    ):
        with pytest.raises(VaultError) as caught:
            await admin.pin("a", wanted, ADA)
        assert caught.value.code == code


async def test_rename_reaches_the_login(world: World) -> None:
    """Its events and remedies use the new name."""
    await world.add("a")
    changed = await world.app.accounts.admin.change(
        "a", wire.ChangeAccount(nickname="work", priority=5, tier="max"), ADA
    )
    assert (changed.nickname, changed.priority, changed.tier) == ("work", 5, "max")
    (login,) = world.app.logins.all()
    assert login.nickname == "work"
    for wrong in ({"priority": 5000}, {"tier": "x" * 51}, {"nickname": "a b"}):
        with pytest.raises(VaultError):
            await world.app.accounts.admin.change("work", wire.ChangeAccount(**wrong), ADA)  # type: ignore[arg-type]


async def test_a_pool_that_is_deleted(world: World) -> None:
    """Its services say what is missing; its accounts stay, and it can be made anew."""
    await world.add("a")
    await world.app.accounts.pools.delete("default", "ANTHROPIC", ADA)
    status, _, body = await world.ask()
    assert (status, json.loads(body)["code"]) == (502, "credential_not_found")
    create = wire.CreatePool(key="ANTHROPIC", accounts=["a"], strategy="round-robin")
    await world.app.accounts.pools.create(create, ADA)
    assert (await world.ask())[0] == 200


async def test_a_vault_that_is_deleted(world: World) -> None:
    """Takes its accounts, pools and logins with it."""
    await world.app.vaults.create(wire.VaultName(name="other"), ADA)
    await world.add("a", vault="other")
    await world.app.vaults.delete("other", ADA)
    assert world.app.accounts.state.roster.accounts == {}
    assert world.app.accounts.state.roster.pools == {}
    assert world.app.logins.all() == []


async def test_accounts_belong_to_their_vault(world: World) -> None:
    """Another vault neither sees nor uses them."""
    await world.add("a")
    await world.app.vaults.create(wire.VaultName(name="other"), ADA)
    assert world.app.accounts.admin.list("other").accounts == []
    with pytest.raises(VaultError) as caught:
        await world.app.accounts.admin.pause("other", "a", ADA)
    assert caught.value.code == "not_found"


async def test_why(world: World) -> None:
    """What would be chosen now, and what was, newest first."""
    await world.add("a")
    await world.add("b")
    await world.ask()
    await world.app.accounts.admin.pause("default", "a", ADA)
    await world.ask()
    found = world.app.accounts.pools.choices("default", "ANTHROPIC")
    assert (found.next, found.until) == ("b", None)
    assert [(one.account, one.former) for one in found.latest] == [("b", "a"), ("a", "")]
    assert found.latest[0].reason == "default-first: next in the pool's order; a is paused: paused"
    await world.app.accounts.admin.pause("default", "b", ADA)
    assert world.app.accounts.pools.choices("default", "ANTHROPIC").next == ""


async def test_no_event_tells_a_token(world: World) -> None:
    """Nor does anything that is shown."""
    tokens = {"access_token": "at-hush-1", "refresh_token": "rt-hush-1"}
    world.tokens.fresh = [TokenSet(b"at-hush-2", b"rt-hush-2", None)]
    wanted = request(tokens=tokens)
    added = await world.app.accounts.adding.paste(wanted, ADA)
    await world.ask()
    shown = f"{wanted!r}{added!r}{seen_events(world.app)!r}{world.app.logins.all()!r}"
    assert "hush" not in shown


# --- polling ------------------------------------------------------------------------------------

USAGE = json.dumps({"five_hour": {"utilization": 10, "resets_at": None}}).encode()


async def test_idle_accounts_are_asked_about_now_and_then(world: World) -> None:
    """Once in a quarter of an hour, paused ones too; never those that are in use or removed."""
    for name in ("a", "b", "c"):
        await world.add(name)
    admin, polling = world.app.accounts.admin, world.app.accounts.polling
    await admin.pause("default", "b", ADA)
    await admin.remove("default", "c", ADA)
    world.usage.replies = [Reply(body=USAGE)] * 10
    await polling.tick()
    assert [headers["authorization"] for _, headers in world.usage.asked] == [
        "Bearer a",
        "Bearer b",
    ]
    world.provider.quota["a"] = {"anthropic-ratelimit-unified-5h-utilization": 0.5}
    world.clock.advance(800)
    await world.ask()
    await polling.tick()
    assert len(world.usage.asked) == 2
    world.clock.advance(200)
    await polling.tick()
    assert [headers["authorization"] for _, headers in world.usage.asked[2:]] == ["Bearer b"]
    await world.app.keys.seal("ada")
    world.clock.advance(5000)
    await polling.tick()
    assert len(world.usage.asked) == 3


async def test_an_endpoint_that_refuses_is_left_alone(world: World) -> None:
    """For half an hour at least, on demand too; the reason is shown."""
    await world.add("a")
    world.usage.replies = [Reply(429, headers={"retry-after": "60"}), Reply(body=USAGE)]
    found = await world.app.accounts.admin.ask_quota("default", "a")
    assert found.quota_error == "the provider answered 429"
    world.clock.advance(1799)
    await world.app.accounts.admin.ask_quota("default", "a")
    assert len(world.usage.asked) == 1
    world.clock.advance(1)
    found = await world.app.accounts.admin.ask_quota("default", "a")
    assert (found.quota_error, len(found.windows)) == ("", 1)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(body=b"<html>"),
        Reply(body=b"[" * 100_000),
        TokenError(False, "unreachable", "no answer"),
    ],
)
async def test_answers_that_are_of_no_use(world: World, reply: Reply | TokenError) -> None:
    """They are told, and change nothing."""
    await world.add("a")
    world.usage.replies = [reply]
    found = await world.app.accounts.admin.ask_quota("default", "a")
    assert found.quota_error
    assert found.windows == []


async def test_a_poll_with_an_expired_token_refreshes_it(world: World) -> None:
    """As a request would."""
    world.tokens.fresh = [TokenSet(b"one", b"r2", None), TokenSet(b"two", b"r3", None)]
    tokens = {"access_token": "at-1", "refresh_token": "r1"}
    await world.app.accounts.adding.paste(request(tokens=tokens), ADA)
    world.usage.replies = [Reply(401), Reply(body=USAGE)]
    found = await world.app.accounts.admin.ask_quota("default", "ada")
    assert (found.quota_error, found.refresh_count) == ("", 1)
    assert world.usage.asked[-1][1]["authorization"] == "Bearer two"


# --- both databases -----------------------------------------------------------------------------


async def test_on_each_database(each_app: Application, clock: FakeClock) -> None:
    """Add, pool, pin, use, remove, store, purge."""
    app = each_app
    app.logins.attach(Tokens())
    for name in ("a", "b"):
        await app.accounts.adding.paste(request(email=f"{name}@x.org", join=True), ADA)
    await put_service(app, "anthropic", "api.anthropic.com", "ANTHROPIC")
    token = await make_agent(app, "bot", "default")
    await app.accounts.admin.pin("b", wire.PinAccount(agent="bot"), ADA)
    decision = app.broker.decide(app.broker.authenticate(basic(token)), facts("api.anthropic.com"))
    assert isinstance(decision, Decision)
    injection = await app.broker.inject(decision)
    assert injection.loan is not None
    assert injection.loan.account == "b"
    app.broker.returned(injection.loan)
    assert (await app.accounts.admin.use("default", "b", ADA)).default
    await app.accounts.keeping.tick()
    await app.accounts.keeping.load()
    assert app.accounts.admin.get("default", "b").last_used_at
    await app.accounts.admin.remove("default", "b", ADA)
    clock.advance(31 * DAY)
    await app.accounts.keeping.tick()
    assert [one.nickname for one in app.accounts.admin.list("default").accounts] == ["a"]
    assert events_of(app, "account.changed")
