"""What responses tell of an account's quota, as their header fields came over the data path."""

import json

from proxy_core.domain import wire
from tests.services.accounts.conftest import World
from tests.services.accounts.provider import PREFIX, Reply, ok, rejected, windows
from tests.services.conftest import ADA, Opener

HOUR, DAY = 3600.0, 86_400.0


async def test_both_windows_are_learnt_from_every_response(world: World) -> None:
    """Share used and reset of 5h and 7d, each its own, right after the response."""
    await world.add("work")
    resets = world.now + 2 * HOUR, world.now + 3 * DAY
    world.provider.quota["work"] = windows(w5h=(0.41, resets[0]), w7d=(0.875, resets[1]))
    assert (await world.ask())[0] == 200
    short, weekly = world.window("work", "5h"), world.window("work", "7d")
    assert (short.used, weekly.used) == (0.41, 0.875)
    assert short.resets_at == "2025-06-15T17:06:40.000Z"
    assert weekly.resets_at == "2025-06-18T15:06:40.000Z"
    assert (short.warns, weekly.warns) == (False, True)


async def test_a_window_whose_reset_has_passed_counts_as_unused(world: World) -> None:
    """Nothing is asked for that: the clock says so."""
    await world.add("work")
    world.provider.quota["work"] = windows(w5h=(0.9, world.now + HOUR))
    await world.ask()
    world.clock.advance(HOUR)
    short = world.window("work", "5h")
    assert (short.used, short.resets_at, short.warns) == (0.0, None, False)


async def test_a_response_just_after_a_reset_frees_the_account(world: World) -> None:
    """It still tells the share of the window that is over; the default is chosen again at once."""
    await world.add("work")
    await world.add("home")
    world.provider.quota["work"] = windows(w5h=(1.0, world.now - 1, "rejected"))
    assert [(await world.ask())[0] for _ in range(3)] == [200, 200, 200]
    short = world.window("work", "5h")
    assert (short.used, short.resets_at, short.warns) == (0.0, None, False)
    assert world.provider.served == ["work", "work", "work"]


async def test_a_refusal_just_after_a_reset_is_tried_again_soon(world: World) -> None:
    """It rests a second, not until somebody asks for its quota."""
    await world.add("work")
    await world.add("home")
    reset = world.now - 1
    world.provider.answers["work"].append(
        rejected("five_hour", reset, windows(w5h=(1.0, reset, "rejected")))
    )
    assert (await world.ask())[0] == 200
    world.clock.advance(1)
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["work", "home", "work"]


async def test_a_window_without_a_reset_takes_no_other_ones(world: World) -> None:
    """The usage document's `resets_at: null` stays null beside a window that is open."""
    await world.add("work")
    document = {
        "five_hour": {"utilization": 0, "resets_at": None},
        "seven_day": {"utilization": 35.5, "resets_at": "2025-06-18T15:06:40+00:00"},
        "seven_day_opus": None,
        "extra_usage": {"is_enabled": False, "utilization": None},
    }
    world.usage.replies.append(Reply(body=json.dumps(document).encode()))
    found = await world.app.accounts.admin.ask_quota("default", "work")
    assert {one.name: (one.used, one.resets_at) for one in found.windows} == {
        "5h": (0.0, None),
        "7d": (0.355, "2025-06-18T15:06:40.000Z"),
    }
    (url, headers), *_ = world.usage.asked
    assert url == "https://api.anthropic.com/api/oauth/usage"
    assert headers["authorization"] == "Bearer work"
    assert headers["anthropic-beta"] == "oauth-2025-04-20"


async def test_a_weekly_refusal_rests_until_its_reset(world: World) -> None:
    """Days, not a guess: the known reset, and the account serves again from then on."""
    await world.add("work")
    await world.add("home")
    reset = world.now + 4 * DAY
    world.provider.answers["work"].append(
        rejected("seven_day", reset, windows(w7d=(1.0, reset, "rejected")))
    )
    assert (await world.ask())[0] == 200
    found = world.account("work")
    assert (found.state, found.until) == ("exhausted", "2025-06-19T15:06:40.000Z")
    world.clock.advance(4 * DAY - 1)
    assert (await world.ask())[0] == 200
    world.clock.advance(2)
    assert world.account("work").state == "active"
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["work", "home", "home", "work"]
    (event,) = world.events("account.exhausted")
    assert (event.data["name"], event.data["until"]) == ("work", reset)


async def test_a_far_reset_is_looked_at_again(world: World) -> None:
    """After an hour the provider is asked, and what it says now counts."""
    await world.add("work")
    reset = world.now + 4 * DAY
    world.provider.answers["work"].append(rejected("seven_day", reset))
    await world.add("home")
    await world.ask()
    assert world.account("work").state == "exhausted"
    world.usage.replies = [Reply(), Reply()]
    await world.app.accounts.polling.tick()
    world.clock.advance(HOUR)
    document = {"seven_day": {"utilization": 60, "resets_at": "2025-06-19T15:06:40Z"}}
    world.usage.replies = [Reply(body=json.dumps(document).encode())] * 2
    await world.app.accounts.polling.tick()
    assert world.account("work").state == "active"
    assert world.window("work", "7d").used == 0.6


async def test_a_model_scoped_refusal_moves_that_model_alone(world: World) -> None:
    """Opus goes to the other account, sonnet stays, within one conversation too."""
    await world.add("work")
    await world.add("home")
    reset = world.now + 2 * DAY
    said = rejected("seven_day_opus", reset, windows(w7d=(0.5, reset), w5h=(0.2, world.now + HOUR)))
    world.provider.answers["work"].append(said)
    named = ["X-Claude-Code-Session-Id: c1"]
    for model in ("claude-opus-4-1", "claude-sonnet-4-5", "claude-opus-4-1", "claude-sonnet-4-5"):
        assert (await world.ask(model, headers=named))[0] == 200
    assert world.provider.served == ["work", "home", "work", "home", "work"]
    found = world.account("work")
    assert found.state == "active"
    assert found.limited == {"opus": "2025-06-17T15:06:40.000Z"}
    assert world.window("work", "7d").used == 0.5


async def test_api_key_limits_are_learnt_too(world: World) -> None:
    """Requests and tokens by the minute, with RFC 3339 resets."""
    await world.add("work")
    world.provider.quota["work"] = {
        "anthropic-ratelimit-requests-limit": 50,
        "anthropic-ratelimit-requests-remaining": 20,
        "anthropic-ratelimit-requests-reset": "2025-06-15T15:07:40Z",
        "anthropic-ratelimit-input-tokens-limit": 1000,
        "anthropic-ratelimit-input-tokens-remaining": 1000,
    }
    await world.ask()
    assert world.window("work", "requests").used == 0.6
    assert world.window("work", "requests").resets_at == "2025-06-15T15:07:40.000Z"
    assert world.window("work", "input_tokens").used == 0


async def test_quota_is_stored_now_and_then_and_found_after_a_restart(
    world: World, reopen: Opener
) -> None:
    """Windows, rest and last use; a request itself writes nothing."""
    await world.add("work")
    world.provider.quota["work"] = windows(w5h=(0.25, world.now + HOUR))
    world.provider.answers["work"].append(rejected("seven_day", world.now + DAY))
    await world.ask()
    await world.ask()
    again = await reopen()
    found = again.accounts.admin.get("default", "work")
    assert {one.name: one.used for one in found.windows} == {"5h": 0.25, "7d": None}
    assert found.state == "exhausted"
    assert found.last_used_at == "2025-06-15T15:06:40.000Z"


async def test_burn_rate_and_time_to_empty(world: World) -> None:
    """Ten per cent in half an hour: forty left last two hours."""
    await world.add("work")
    reset = world.now + 5 * HOUR
    for used in (0.5, 0.6):
        world.provider.answers["work"].append(ok(windows(w5h=(used, reset))))
        await world.ask()
        world.clock.advance(HOUR / 2)
    short = world.window("work", "5h")
    assert short.burn_per_hour is not None
    assert short.empty_in_seconds is not None
    assert round(short.burn_per_hour, 6) == 0.2
    assert round(short.empty_in_seconds) == 1.5 * HOUR


async def test_extra_usage_is_not_paid_for_unless_allowed(world: World) -> None:
    """Served beyond the plan once, the account is left alone; an operator can allow it."""
    await world.add("work")
    await world.add("home")
    reset = world.now + HOUR
    paid = {
        **windows(w5h=(1.0, reset, "rejected"), woverage=(0.1, world.now + DAY)),
        f"{PREFIX}overage-in-use": "true",
    }
    world.provider.quota["work"] = paid
    await world.ask()
    await world.ask()
    assert world.provider.served == ["work", "home"]
    await world.app.accounts.admin.pause("default", "home", ADA)
    assert (await world.ask())[0] == 429
    allowed = wire.ChangePool(settings={"allow_extra_usage": True})
    await world.app.accounts.pools.change("ANTHROPIC", allowed, ADA)
    assert (await world.ask())[0] == 200
    assert world.provider.served == ["work", "home", "work"]


async def test_a_request_that_was_paid_for_says_so_by_itself(world: World) -> None:
    """Also without a word on the plan's own windows."""
    await world.add("work")
    await world.add("home")
    paid = {
        f"{PREFIX}status": "allowed",
        f"{PREFIX}overage-in-use": "true",
        f"{PREFIX}reset": int(world.now + HOUR),
    }
    world.provider.answers["work"].append(ok(paid))
    await world.ask()
    await world.ask()
    (record, *_) = reversed(await world.records())
    assert "work is exhausted: more requests would cost money" in record.account_reason
    world.clock.advance(HOUR)
    await world.ask()
    assert world.provider.served == ["work", "home", "work"]
