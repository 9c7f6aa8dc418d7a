"""Which account serves a request: pinned, else sticky, else by strategy. With the reason in words.

    pinned     the client's own account, whatever its state: it never moves
    sticky     the account of this conversation, while it is usable
    strategy   the usable accounts in the strategy's order; those with little left come last
    probe      nothing is usable, but a refusal is old enough to be tried again, or the token of a
               login that has to be connected anew may still be good

A pool with one account never moves anything. Paid extra usage is for those who have allowed it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from proxy_core.domain.accounts.account import AccountState, Standing, rejecting, standing
from proxy_core.domain.accounts.cooling import probe_due
from proxy_core.domain.accounts.pool_settings import PoolSettings
from proxy_core.domain.accounts.strategies import Member, Strategy, described, ordered
from proxy_core.domain.accounts.windows import OVERAGE, WindowStatus, share_left


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. `pinned`, `sticky` and `tried` are account ids."""

    model: str = ""
    pinned: str = ""
    sticky: str = ""
    tried: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The account to take, and why. `keeps`: the conversation may stick to it."""

    member: Member
    reason: str
    keeps: bool = True


@dataclass(frozen=True, slots=True)
class Exhausted:
    """No account can be taken. `until`: when the first one can; None: nobody knows.

    `paused`: the names of all that could be, where nothing but that stands in the way.
    """

    until: float | None
    reason: str
    paused: tuple[str, ...] = ()


def choose(
    strategy: Strategy,
    settings: PoolSettings,
    members: Sequence[Member],
    wish: Wish,
    now: float,
) -> Choice | Exhausted:
    """Choose among a pool's members; a pinned account need not be one of those that are usable."""
    if wish.pinned:
        return _pinned(members, wish, settings, now)
    if not members:
        return Exhausted(None, "the pool has no account")
    usable = [member for member in members if _usable(member, wish, settings, now)]
    if wish.sticky:
        for member in usable:
            if member.account.id == wish.sticky:
                return Choice(member, "this conversation's account")
    if usable:
        return _by_strategy(strategy, settings, members, usable, wish, now)
    return _last_resort(strategy, settings, members, wish, now)


def _usable(member: Member, wish: Wish, settings: PoolSettings, now: float) -> bool:
    if member.account.id in wish.tried:
        return False
    found = standing(member.account, member.condition, now, wish.model)
    if found.state is AccountState.EXHAUSTED and settings.allow_extra_usage:
        return extra_usage_offered(member, now)
    if found.state is not AccountState.ACTIVE or _would_pay(member, settings, now):
        return False
    left = share_left(member.condition.windows, wish.model, now)
    return not settings.reserve or left > settings.reserve


def _would_pay(member: Member, settings: PoolSettings, now: float) -> bool:
    """Whether a request would cost money that nobody has allowed."""
    return not settings.allow_extra_usage and now < member.condition.paying_until


def extra_usage_offered(member: Member, now: float) -> bool:
    """Whether the provider would let the account go on, for money."""
    window = member.condition.windows.get(OVERAGE)
    if window is None:
        return False
    allowed = (WindowStatus.ALLOWED, WindowStatus.WARNING)
    return window.at(now).status in allowed and not window.is_full


def _pinned(
    members: Sequence[Member], wish: Wish, settings: PoolSettings, now: float
) -> Choice | Exhausted:
    for member in members:
        if member.account.id == wish.pinned:
            return _alone(member, "pinned to this account", wish, settings, now)
    return Exhausted(None, "the account it is pinned to is not there any more")


def _alone(
    member: Member, why: str, wish: Wish, settings: PoolSettings, now: float
) -> Choice | Exhausted:
    """An account that has no other to stand in for it: the provider itself says when it is full,
    unless going on would cost money that nobody has allowed."""
    found = standing(member.account, member.condition, now, wish.model)
    if member.account.paused:
        name = member.account.name
        return Exhausted(None, f"{name} is paused", (name,))
    full = found.state is AccountState.EXHAUSTED and extra_usage_offered(member, now)
    if _would_pay(member, settings, now) or (full and not settings.allow_extra_usage):
        until = found.until or member.condition.paying_until
        return Exhausted(until, f"{member.account.name}: more requests would cost money")
    return Choice(member, why)


def _by_strategy(
    strategy: Strategy,
    settings: PoolSettings,
    members: Sequence[Member],
    usable: Sequence[Member],
    wish: Wish,
    now: float,
) -> Choice:
    in_order = ordered(strategy, usable, wish.model, now)
    roomy = [
        member
        for member in in_order
        if share_left(member.condition.windows, wish.model, now) > settings.move_left
    ]
    chosen = (roomy or in_order)[0]
    why = [described(strategy, chosen, wish.model, now)]
    first = ordered(strategy, members, wish.model, now)[0]
    if first.account.id != chosen.account.id:
        why.append(_passed_over(first, wish, settings, now))
    return Choice(chosen, f"{strategy}: {'; '.join(why)}")


def _passed_over(member: Member, wish: Wish, settings: PoolSettings, now: float) -> str:
    name = member.account.name
    if member.account.id in wish.tried:
        return f"{name} has refused this request"
    found = _hindrance(member, wish, settings, now)
    if found.state is not AccountState.ACTIVE:
        return f"{name} is {found.state}: {found.why}"
    left = share_left(member.condition.windows, wish.model, now)
    kept = " in reserve" if settings.reserve and left <= settings.reserve else ""
    return f"{name} has {left:.0%} left{kept}"


def _last_resort(
    strategy: Strategy,
    settings: PoolSettings,
    members: Sequence[Member],
    wish: Wish,
    now: float,
) -> Choice | Exhausted:
    untried = [member for member in members if member.account.id not in wish.tried]
    if len(members) == 1 and untried:
        return _alone(members[0], "the pool's only account", wish, settings, now)
    for member in ordered(strategy, untried, wish.model, now):
        if _worth_a_probe(member, wish, now) and not extra_usage_offered(member, now):
            return Choice(member, f"{strategy}: no account is usable; its refusal is old", False)
    for member in untried:
        paused = member.account.paused
        if not paused and _state(member, wish, now) is AccountState.RECONNECT:
            return Choice(member, f"{strategy}: no account is usable; its token may be", False)
    found = [_hindrance(member, wish, settings, now) for member in members]
    resting = tuple(member.account.name for member in members if member.account.paused)
    all_rest = len(resting) == len(members)
    return Exhausted(_earliest(found), _all_of(members, found), resting if all_rest else ())


def _hindrance(member: Member, wish: Wish, settings: PoolSettings, now: float) -> Standing:
    """Why a member can't be taken, and until when."""
    found = standing(member.account, member.condition, now, wish.model)
    if found.state is AccountState.ACTIVE and _would_pay(member, settings, now):
        until = member.condition.paying_until
        return Standing(AccountState.EXHAUSTED, until, "more requests would cost money")
    return found


def _worth_a_probe(member: Member, wish: Wish, now: float) -> bool:
    if _state(member, wish, now) is not AccountState.EXHAUSTED:
        return False
    return all(probe_due(window, now) for window in rejecting(member.condition, wish.model, now))


def _state(member: Member, wish: Wish, now: float) -> AccountState:
    return standing(member.account, member.condition, now, wish.model).state


def _earliest(found: Sequence[Standing]) -> float | None:
    return min((one.until for one in found if one.until is not None), default=None)


def _all_of(members: Sequence[Member], found: Sequence[Standing]) -> str:
    said = [
        f"{member.account.name}: {one.why or 'kept in reserve'}"
        for member, one in zip(members, found, strict=True)
    ]
    return "; ".join(said)
