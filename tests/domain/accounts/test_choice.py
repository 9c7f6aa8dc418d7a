"""Which account serves a request, and the reason in words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import AccountState, Condition, standing
from proxy_core.domain.accounts.choice import Choice, Exhausted, Wish, choose
from proxy_core.domain.accounts.cooling import REPROBE_AFTER, Rest
from proxy_core.domain.accounts.pool_settings import (
    PoolSettings,
    parse_pool_settings,
    pool_settings_document,
)
from proxy_core.domain.accounts.strategies import Member, Strategy, lapsing, ordered, parse_strategy
from proxy_core.domain.accounts.windows import Window, WindowStatus
from tests.domain.accounts.test_account import NOW, account, full

HOUR, DAY = 3600.0, 86_400.0
SETTINGS = PoolSettings()
FIRST = Strategy.DEFAULT_FIRST


def member(name: str, *windows: Window, **more: object) -> Member:
    """An account called `name`, whose id that is too; a default one if it is called `a`."""
    known = {key: more.pop(key) for key in ("paused", "is_default", "priority") if key in more}
    known = {"is_default": name == "a", **known}
    condition = Condition(
        {window.name: window for window in windows},
        more.pop("rest", None),  # type: ignore[arg-type]
        bool(more.pop("connected", True)),
    )
    return Member(account(name, f"{name}@x.org", **known), condition, **more)  # type: ignore[arg-type]


def used(share: float, name: str = "5h", resets_in: float = HOUR) -> Window:
    """A window in use."""
    return Window(name, share, NOW + resets_in, WindowStatus.ALLOWED, NOW)


def chosen(*members: Member, strategy: Strategy = FIRST, **wish: object) -> Choice | Exhausted:
    """A choice with the usual settings."""
    return choose(strategy, SETTINGS, members, Wish(**wish), NOW)  # type: ignore[arg-type]


def name_of(found: Choice | Exhausted) -> str:
    """The account's name, empty for none."""
    return found.member.account.id if isinstance(found, Choice) else ""


def test_pinned_before_sticky_before_strategy() -> None:
    """In this order, each with its reason."""
    members = member("a"), member("b"), member("c")
    found = chosen(*members, pinned="c", sticky="b")
    assert isinstance(found, Choice)
    assert (name_of(found), found.reason) == ("c", "pinned to this account")
    found = chosen(*members, sticky="b")
    assert (name_of(found), found.reason) == ("b", "this conversation's account")
    found = chosen(*members)
    assert (name_of(found), found.reason) == ("a", "default-first: the default account")


def test_the_reason_tells_who_was_passed_over() -> None:
    """And why."""
    found = chosen(member("a", full("5h", NOW + HOUR)), member("b"))
    assert found.reason == (
        "default-first: next in the pool's order; a is exhausted: window 5h is used up"
    )
    found = chosen(member("a", used(0.97)), member("b"))
    assert found.reason.endswith("a has 3% left")
    found = chosen(member("a"), member("b"), tried=("a",))
    assert found.reason.endswith("a has refused this request")


def test_a_pinned_account_never_moves() -> None:
    """Exhausted, resting or broken: the provider itself says so. Paused or gone: refused."""
    others = member("b"), member("c")
    for broken in (
        member("a", full("5h", NOW + HOUR)),
        member("a", rest=Rest(NOW + 9, "busy")),
        member("a", connected=False),
    ):
        assert name_of(chosen(broken, *others, pinned="a")) == "a"
    assert isinstance(chosen(member("a", paused=True), *others, pinned="a"), Exhausted)
    assert isinstance(chosen(*others, pinned="a"), Exhausted)


def test_a_pool_of_one_moves_nothing() -> None:
    """The only account is taken as long as it may be."""
    assert name_of(chosen(member("a", full("5h", NOW + HOUR)))) == "a"
    assert isinstance(chosen(member("a"), tried=("a",)), Exhausted)
    assert isinstance(chosen(), Exhausted)


def test_all_exhausted_until_the_first_resets() -> None:
    """The earliest end, and everybody's reason."""
    found = chosen(
        member("a", full("5h", NOW + 2 * HOUR)),
        member("b", full("7d", NOW + HOUR)),
        member("c", paused=True),
    )
    assert isinstance(found, Exhausted)
    assert found.until == NOW + HOUR
    assert found.reason == "a: window 5h is used up; b: window 7d is used up; c: paused"


def test_an_old_refusal_is_probed_when_nothing_else_is_left() -> None:
    """Not before an hour has passed, and never instead of a usable account."""
    old = Window("7d", 1.0, NOW + 4 * DAY, WindowStatus.REJECTED, NOW - REPROBE_AFTER)
    fresh = Window("7d", 1.0, NOW + 4 * DAY, WindowStatus.REJECTED, NOW - REPROBE_AFTER + 1)
    found = chosen(member("a", fresh), member("b", old))
    assert isinstance(found, Choice)
    assert (name_of(found), found.keeps) == ("b", False)
    assert isinstance(chosen(member("a", fresh), member("b", fresh)), Exhausted)
    assert name_of(chosen(member("a", old), member("b"))) == "b"


def test_a_token_of_a_broken_login_is_the_last_resort() -> None:
    """It may live on although it can't be refreshed; once tried, it is not asked for again."""
    members = member("a", connected=False), member("b", full("5h", NOW + HOUR))
    found = chosen(*members)
    assert isinstance(found, Choice)
    assert (name_of(found), found.keeps) == ("a", False)
    found = chosen(*members, tried=("a",))
    assert isinstance(found, Exhausted)
    assert found.until == NOW + HOUR


def test_a_paused_account_serves_nobody_whatever_its_login_is() -> None:
    """Not as the last resort, not alone, not pinned."""
    paused = member("a", paused=True, connected=False)
    for found, names in (
        (chosen(paused), ("a",)),
        (chosen(paused, pinned="a"), ("a",)),
        (chosen(paused, member("b", paused=True)), ("a", "b")),
        (chosen(member("a", paused=True), member("b", full("5h", NOW + HOUR))), ()),
    ):
        assert isinstance(found, Exhausted)
        assert found.paused == names
    assert name_of(chosen(paused, member("b", connected=False))) == "b"


def test_a_sticky_account_that_is_not_usable_is_left() -> None:
    """The strategy decides then."""
    full_one = member("b", full("5h", NOW + HOUR))
    assert name_of(chosen(member("a"), full_one, sticky="b")) == "a"
    assert name_of(chosen(member("a"), member("b", used(0.99)), sticky="b")) == "b"


def test_model_scoped_windows() -> None:
    """An account that is full for opus serves sonnet."""
    members = member("a", full("7d_opus", NOW + DAY)), member("b")
    assert name_of(chosen(*members, model="claude-opus-4-1")) == "b"
    assert name_of(chosen(*members, model="claude-sonnet-4-5")) == "a"
    assert name_of(chosen(*members)) == "a"


def test_little_left_comes_last() -> None:
    """Below `move_left` an account is taken only if all are so."""
    assert name_of(chosen(member("a", used(0.95)), member("b", used(0.5)))) == "b"
    assert name_of(chosen(member("a", used(0.96)), member("b", used(0.97)))) == "a"


def test_a_reserve_is_never_used() -> None:
    """Not even when nothing else is left; a pin may."""
    settings = PoolSettings(reserve=0.25)
    members = member("a", used(0.8)), member("b", used(0.75))
    assert isinstance(choose(FIRST, settings, members, Wish(), NOW), Exhausted)
    assert name_of(choose(FIRST, settings, members, Wish(pinned="a"), NOW)) == "a"


def test_extra_usage() -> None:
    """Only where it is allowed and offered, and after those who need none."""
    offered = Window("overage", 0.2, NOW + DAY, WindowStatus.ALLOWED, NOW)
    paid = member("a", full("5h", NOW + HOUR), offered)
    spent = member("b", full("5h", NOW + HOUR))
    assert isinstance(chosen(paid, spent), Exhausted)
    assert isinstance(chosen(paid), Exhausted)
    assert isinstance(chosen(paid, spent, pinned="a"), Exhausted)
    allowing = PoolSettings(allow_extra_usage=True)
    assert name_of(choose(FIRST, allowing, (spent, paid), Wish(), NOW)) == "a"
    assert name_of(choose(FIRST, allowing, (paid, member("c")), Wish(), NOW)) == "c"


@pytest.mark.parametrize(
    ("strategy", "members", "first"),
    [
        (FIRST, (member("b"), member("a")), "a"),
        (FIRST, (member("b", priority=2), member("c", priority=1)), "c"),
        (Strategy.FILL_FIRST, (member("a", used(0.2)), member("b", used(0.6))), "b"),
        (Strategy.FILL_FIRST, (member("b", priority=1), member("c")), "c"),
        (Strategy.ROUND_ROBIN, (member("a", last_taken=7), member("b", last_taken=3)), "b"),
        (Strategy.LEAST_USED, (member("a", in_flight=2), member("b", in_flight=1)), "b"),
        (Strategy.LEAST_USED, (member("a", used(0.5)), member("b", used(0.3))), "b"),
        (
            Strategy.RESET_AWARE,
            (member("a", used(0.1, "7d", 6 * DAY)), member("b", used(0.5, "7d", DAY))),
            "b",
        ),
        (Strategy.RESET_AWARE, (member("a", used(0.5)), member("b", used(0.9))), "a"),
        (Strategy.RESET_AWARE, (member("c"), member("b", used(0.9, "7d", DAY))), "b"),
    ],
)
def test_strategies(strategy: Strategy, members: tuple[Member, ...], first: str) -> None:
    """Each by its own measure, ties in the pool's order."""
    assert ordered(strategy, members, "", NOW)[0].account.id == first
    found = chosen(*members, strategy=strategy)
    assert found.reason.startswith(f"{strategy}: ")


def test_round_robin_takes_turns() -> None:
    """Everybody once before anybody twice."""
    turns: dict[str, int] = {}
    served = []
    for turn in range(1, 7):
        members = [member(name, last_taken=turns.get(name, 0)) for name in "abc"]
        served.append(name_of(chosen(*members, strategy=Strategy.ROUND_ROBIN)))
        turns[served[-1]] = turn
    assert served == ["a", "b", "c", "a", "b", "c"]


def test_what_would_lapse() -> None:
    """Share per second to the weekly reset; nothing where no window is open."""
    assert lapsing(member("a", used(0.5, "7d", 1000)), NOW) == pytest.approx(0.0005)
    assert lapsing(member("a", used(0.5, "7d", 0.001)), NOW) == pytest.approx(0.5 / 60)
    assert lapsing(member("a"), NOW) == 0


def test_names_and_settings_from_outside() -> None:
    """Unknown ones are refused, with what would be right."""
    with pytest.raises(VaultError, match="default-first, fill-first"):
        parse_strategy("random")
    for wrong in (
        {"reserve": 1},
        {"move_left": -0.1},
        {"reserve": True},
        {"x": 1},
        {"reserve": ""},
    ):
        with pytest.raises(VaultError):
            parse_pool_settings(wrong)
    settings = parse_pool_settings({"reserve": 0.1, "allow_extra_usage": True})
    assert parse_pool_settings(pool_settings_document(settings)) == settings


_MEMBERS = st.lists(
    st.builds(
        lambda name, share, status, resets_in, paused, connected, in_flight: member(
            name,
            Window("5h", share, NOW + resets_in, status, NOW),
            paused=paused,
            connected=connected,
            in_flight=in_flight,
        ),
        st.sampled_from("abcdef"),
        st.floats(0, 1.2),
        st.sampled_from(list(WindowStatus)),
        st.floats(-100, 10_000),
        st.booleans(),
        st.booleans(),
        st.integers(0, 5),
    ),
    max_size=6,
    unique_by=lambda one: one.account.id,
)


@given(_MEMBERS, st.sampled_from(list(Strategy)), st.sets(st.sampled_from("abcdef")))
def test_what_is_chosen_is_usable(
    members: list[Member], strategy: Strategy, tried: set[str]
) -> None:
    """Never one that has refused this request, is paused, or is broken while others work."""
    found = choose(strategy, SETTINGS, members, Wish(tried=tried), NOW)
    states = {one.account.id: standing(one.account, one.condition, NOW).state for one in members}
    free = {id for id, state in states.items() if state is AccountState.ACTIVE and id not in tried}
    if free:
        assert name_of(found) in free
    elif isinstance(found, Choice):
        assert len(members) == 1 or states[name_of(found)] is AccountState.RECONNECT
        assert states[name_of(found)] is not AccountState.PAUSED
        assert name_of(found) not in tried
    assert found.reason


@given(_MEMBERS, st.sampled_from(list(Strategy)))
def test_an_order_has_everybody_once(members: list[Member], strategy: Strategy) -> None:
    """Whatever the strategy, the same members."""
    order = ordered(strategy, members, "", NOW)
    assert sorted(one.account.id for one in order) == sorted(one.account.id for one in members)


@given(_MEMBERS)
def test_least_used_has_the_fewest_under_way_first(members: list[Member]) -> None:
    """Ascending."""
    order = ordered(Strategy.LEAST_USED, members, "", NOW)
    assert all(one.in_flight <= next.in_flight for one, next in pairwise(order))
