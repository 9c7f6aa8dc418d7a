"""A refused account is stood in for by another, within the same call, or the refusal passes."""

import asyncio
import json
import shlex

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.oauth import TokenSet
from tests.mitm.rig import until
from tests.services.accounts.conftest import World
from tests.services.accounts.provider import (
    PREFIX,
    answer,
    ok,
    overloaded,
    rejected,
    stream,
    windows,
)
from tests.services.conftest import ADA, Opener, make_agent, put_service

HOUR, DAY = 3600.0, 86_400.0
SESSION = "X-Claude-Code-Session-Id: 7c3d0c9e"
OVERLOAD = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


async def two(world: World) -> None:
    """`work`, the default, and `home`, in one pool."""
    await world.add("work")
    await world.add("home")


async def test_a_refused_post_is_answered_by_the_other_account(world: World) -> None:
    """429 at the first, 200 at the second, in one call: body and record tell the same story."""
    await two(world)
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    body = b'{"model":"claude-sonnet-4-5","messages":["%b"]}' % (b"x" * 100_000)
    status, head, _ = await world.ask(body=body)
    assert status == 200
    assert b"anthropic-ratelimit" not in head.lower()
    assert world.provider.bodies == [body, body]
    (record,) = await world.records()
    assert (record.status, record.retries, record.account) == (200, 1, "home")
    assert "work has refused this request" in record.account_reason
    (event,) = world.events("account.switched")
    assert (event.data["former"], event.data["name"]) == ("work", "home")


async def test_a_stream_is_answered_by_the_other_account(world: World) -> None:
    """A request for server-sent events gets those of the second account alone."""
    await two(world)
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    events = stream(("message_start", '{"type":"message_start"}'), chunked=False)
    world.provider.answers["home"].append(events)
    status, _, text = await world.ask(body=b'{"model":"m","stream":true}')
    assert status == 200
    assert text.startswith(b"event: message_start")


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_stream_that_begins_with_an_overload_moves(world: World, chunked: bool) -> None:
    """Nothing of it reaches the agent."""
    await two(world)
    world.provider.answers["work"].append(stream(("error", OVERLOAD), chunked=chunked))
    status, _, body = await world.ask()
    assert (status, body) == (200, b'{"type":"message"}')
    assert world.provider.served == ["work", "home"]
    assert world.account("work").state == "cooling"


async def test_a_stream_that_begins_well_passes_as_it_came(world: World) -> None:
    """Also when an error follows later: then it has begun."""
    await two(world)
    events = ("ping", "{}"), ("error", OVERLOAD)
    world.provider.answers["work"].append(stream(*events, chunked=False))
    status, _, body = await world.ask()
    assert (status, world.provider.served) == (200, ["work"])
    assert body.endswith(OVERLOAD.encode() + b"\n\n")


@pytest.mark.parametrize(("failover", "served"), [([429, 529], 2), ([429], 1), ([], 1)])
async def test_the_service_says_which_statuses_move(
    world: World, failover: list[int], served: int
) -> None:
    """529 by `failover` alone."""
    await two(world)
    await put_service(
        world.app, "anthropic-api", "api.anthropic.com", "ANTHROPIC", failover=failover
    )
    world.provider.answers["work"].append(overloaded())
    status, _, _ = await world.ask()
    assert (status, len(world.provider.served)) == (200 if served == 2 else 529, served)


async def test_without_failover_a_429_passes_as_it_came(world: World) -> None:
    """The quota is learnt all the same."""
    await two(world)
    await put_service(world.app, "anthropic-api", "api.anthropic.com", "ANTHROPIC", failover=[529])
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    status, head, _ = await world.ask()
    assert status == 429
    assert f"{PREFIX}status: rejected".encode() in head
    assert world.account("work").state == "exhausted"


async def test_the_quota_of_shared_accounts_is_not_the_agents(world: World) -> None:
    """It stays with the vault where another account may serve next; else it passes."""
    await world.add("work")
    world.provider.quota["work"] = windows(w5h=(0.4, world.now + HOUR))
    assert PREFIX.encode() in (await world.ask())[1]
    await world.add("home")
    assert PREFIX.encode() not in (await world.ask())[1]
    assert world.window("work", "5h").used == 0.4


async def test_a_pinned_agent_is_never_moved(world: World) -> None:
    """Its refusal passes, and later requests go to its account all the same."""
    await two(world)
    pinned = await make_agent(world.app, "pinned", "default")
    request = wire.PinAccount(agent="pinned")
    await world.app.accounts.admin.pin("work", request, ADA)
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    assert (await world.ask(token=pinned))[0] == 429
    assert (await world.ask(token=pinned))[0] == 200
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["work", "work", "home"]
    first, *_ = await world.records()
    assert first.account_reason == "pinned to this account"
    await world.app.accounts.admin.unpin(request, ADA)
    await world.ask(token=pinned)
    assert world.provider.served[-1] == "home"


async def test_a_pinned_session_and_a_restart(world: World, reopen: Opener) -> None:
    """Pins are kept in the database."""
    await two(world)
    made = await world.app.sessions.create(wire.CreateSession(vault="default"), ADA, "")
    await world.app.accounts.admin.pin("home", wire.PinAccount(session=made.id), ADA)
    assert (await world.ask(token=made.token))[0] == 200
    assert world.provider.served == ["home"]
    again = await reopen()
    (bearer,) = [one for one in again._context.snapshot.bearers.values() if one.account_id]
    assert bearer.actor_id == made.id


async def test_a_session_can_be_made_pinned(world: World) -> None:
    """By any of the account's names; a wrong one makes no session."""
    await two(world)
    wanted = wire.CreateSession(vault="default", account="HOME")
    made = await world.app.sessions.create(wanted, ADA, "")
    await world.ask(token=made.token)
    assert world.provider.served == ["home"]
    (listed,) = (await world.app.sessions.list("default")).sessions
    assert listed.account_id == world.account("home").id
    with pytest.raises(VaultError, match="no account"):
        await world.app.sessions.create(
            wire.CreateSession(vault="default", account="nobody"), ADA, ""
        )


async def test_a_conversation_keeps_its_account(world: World) -> None:
    """An hour after its last request it is chosen for anew."""
    await two(world)
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR / 2))
    await world.ask(headers=[SESSION])
    world.clock.advance(HOUR / 2 + 1)
    await world.ask(headers=[SESSION])
    await world.ask()
    world.clock.advance(HOUR)
    await world.ask(headers=[SESSION])
    assert world.provider.served == ["work", "home", "home", "work", "work"]


async def test_an_overload_moves_a_request_and_not_its_conversation(world: World) -> None:
    """The prompt cache is where it was, and an overload passes soon."""
    await two(world)
    await world.ask(headers=[SESSION])
    world.provider.answers["work"].append(overloaded())
    await world.ask(headers=[SESSION])
    world.clock.advance(2)
    await world.ask(headers=[SESSION])
    assert world.provider.served == ["work", "work", "home", "work"]


async def test_logins_that_all_fail(world: World) -> None:
    """Not a matter of waiting: what has to be done is said. With one that resets, it is."""
    for name in ("one", "other"):
        soon = {"access_token": name, "expires_at": world.now + 60}
        email = f"{name}@x.org"
        request = wire.AddAccount(provider="claude", tokens=soon, email=email, join=True)
        await world.app.accounts.adding.paste(request, ADA)
    world.clock.advance(61)
    status, _, body = await world.ask()
    assert status == 502
    assert json.loads(body)["code"] in ("oauth_refresh_failed", "oauth_not_connected")
    assert "remedy" in json.loads(body)
    await world.add("work")
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    heads = [(await world.ask())[1] for _ in range(2)]
    assert [b"accounts_exhausted" in head for head in heads] == [False, True]
    assert world.provider.served == ["work"]


@pytest.mark.parametrize("email", ["ada@example.com", "$(touch${IFS}x);@example.com"])
async def test_a_dead_login_names_the_command_that_connects_this_account(
    world: World, email: str
) -> None:
    """That very account, wherever its provider may tell no e-mail; fit for a shell."""
    soon = {"access_token": "one", "expires_at": world.now + 60}
    request = wire.AddAccount(provider="claude", tokens=soon, email=email)
    added = await world.app.accounts.adding.paste(request, ADA)
    world.clock.advance(61)
    status, _, body = await world.ask()
    problem = json.loads(body)
    assert (status, problem["code"]) == (502, "oauth_refresh_failed")
    assert problem["remedy"] in problem["detail"]
    command = ["vault-tui", "account", "add", "--reconnect", added.account.nickname]
    assert shlex.split(problem["remedy"]) == [*command, "--vault", "default"]
    assert shlex.join([*command, "--vault", "default"]) == problem["remedy"]
    assert "KEY" not in problem["help"]


async def test_many_at_once(world: World) -> None:
    """Thirty requests meet the limit together: all are answered, none is left under way."""
    await two(world)
    refusal = rejected("five_hour", world.now + HOUR)
    world.provider.answers["work"] += [refusal] * 100
    found = await asyncio.gather(*(world.ask() for _ in range(30)))
    assert [status for status, _, _ in found] == [200] * 30
    assert world.provider.served.count("home") == 30
    await until(lambda: not (world.account("home").in_flight or world.account("work").in_flight))


async def test_the_conversation_of_the_body(world: World) -> None:
    """`metadata.user_id` tells it as well."""
    await two(world)
    user = "user_ab12_account_cd34_session_0b6ae2f0-6f4e-4d0f-a6a5-1f1e1f2d3c4b"
    body = json.dumps({"model": "m", "metadata": {"user_id": user}}).encode()
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR / 2))
    await world.ask(body=body)
    world.clock.advance(HOUR / 2 + 1)
    await world.ask(body=body)
    assert world.provider.served == ["work", "home", "home"]


async def test_back_to_the_default_when_its_window_resets(world: World) -> None:
    """New conversations, from the very second."""
    await two(world)
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    await world.ask()
    world.clock.advance(HOUR - 1)
    await world.ask()
    world.clock.advance(2)
    await world.ask()
    assert world.provider.served == ["work", "home", "home", "work"]
    former = [event.data["former"] for event in world.events("account.switched")]
    assert former == ["work", "home"]


async def test_all_exhausted(world: World) -> None:
    """429 accounts_exhausted with the earliest reset, from the vault and without the provider."""
    await two(world)
    world.provider.answers["work"].append(rejected("five_hour", world.now + 2 * HOUR))
    world.provider.answers["home"].append(rejected("five_hour", world.now + HOUR))
    for _ in range(2):
        status, head, body = await world.ask()
        assert status == 429
        assert b"X-Vault-Proxy-Error: accounts_exhausted" in head
        assert b"Retry-After: 3600\r\n" in head
        assert b"x-should-retry: false\r\n" in head
        said = json.loads(body)
        assert said["code"] == "accounts_exhausted"
        assert "window 5h is used up" in said["message"]
    assert world.provider.served == ["work", "home"]


async def test_a_pool_of_one_moves_nothing(world: World) -> None:
    """The provider's own words reach the agent, every time."""
    await world.add("work")
    for _ in range(2):
        world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
        status, head, _ = await world.ask()
        assert (status, b"X-Vault-Proxy-Error" in head) == (429, False)
    assert world.provider.served == ["work", "work"]


async def test_a_429_without_a_reset_rests_as_long_as_it_says(world: World) -> None:
    """Retry-After, else twice as long each time; a success ends the counting."""
    await two(world)
    waits = []
    for fields in ({"Retry-After": 90}, {}, {}):
        world.provider.answers["work"].append(answer(429, fields, b"{}", "text/plain"))
        await world.ask()
        event = world.events("account.cooling")[-1]
        waits.append(event.data["until"] - world.now)
        assert world.account("work").state == "cooling"
        world.clock.advance(waits[-1])
        assert world.account("work").state == "active"
    await world.ask()
    world.provider.answers["work"].append(answer(429, {}, b"{}", "text/plain"))
    await world.ask()
    waits.append(world.events("account.cooling")[-1].data["until"] - world.now)
    assert waits == [90, 2, 4, 1]


async def test_new_conversations_leave_an_account_that_is_nearly_used_up(world: World) -> None:
    """At five per cent left; the conversations that it has stay."""
    await two(world)
    world.provider.quota["work"] = windows(w5h=(0.96, world.now + HOUR))
    await world.ask(headers=[SESSION])
    await world.ask(headers=["Session-Id: another"])
    await world.ask(headers=[SESSION])
    assert world.provider.served == ["work", "home", "work"]
    assert world.window("work", "5h").warns


async def test_paused_accounts_serve_nobody(world: World) -> None:
    """Until they are resumed."""
    await two(world)
    await world.app.accounts.admin.pause("default", "work", ADA)
    await world.ask()
    await world.app.accounts.admin.resume("default", "work", ADA)
    await world.ask()
    assert world.provider.served == ["home", "work"]


async def test_a_401_is_mended_by_a_new_token_of_the_same_account(world: World) -> None:
    """Refreshed once, replayed once, the same account."""
    await two(world)
    year = world.now + 365 * DAY
    world.tokens.fresh = [TokenSet(b"other", b"r2", year), TokenSet(b"fresh", b"r3", year)]
    tokens = {"access_token": "old", "refresh_token": "r1"}
    request = wire.AddAccount(
        provider="claude", tokens=tokens, email="third@example.com", join=True
    )
    await world.app.accounts.adding.paste(request, ADA)
    await world.app.accounts.admin.use("default", "third", ADA)
    world.provider.answers["other"].append(answer(401, {}, b"{}", "application/json"))
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["other", "fresh"]
    assert world.tokens.refreshed == [b"r1", b"r2"]


async def test_a_login_that_fails_is_passed_over(world: World) -> None:
    """Its token has expired and can't be refreshed: the next account serves."""
    await two(world)
    soon = {"access_token": "brief", "expires_at": world.now + 60}
    request = wire.AddAccount(provider="claude", tokens=soon, email="brief@x.org", join=True)
    await world.app.accounts.adding.paste(request, ADA)
    await world.app.accounts.admin.use("default", "brief", ADA)
    world.clock.advance(61)
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["work"]


async def test_nothing_is_under_way_after_all_that(world: World) -> None:
    """Loans are given back: on success, on refusal, when the client leaves."""
    await two(world)
    world.provider.answers["work"].append(rejected("five_hour", world.now + HOUR))
    await world.ask()
    world.provider.answers["home"].append(ok()[:-4])
    client = await world.client()
    await client.send(b"GET /v1/models HTTP/1.1\r\nHost: api.anthropic.com\r\n\r\n")
    await client.head()
    client.abort()
    await until(lambda: not (world.account("home").in_flight or world.account("work").in_flight))
