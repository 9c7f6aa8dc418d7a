"""The order in which a pool's accounts are taken, best first, whether or not they are usable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import Account, Condition
from proxy_core.domain.accounts.windows import SHORT, WEEKLY, share_left


class Strategy(StrEnum):
    """How a pool chooses among usable accounts."""

    DEFAULT_FIRST = "default-first"
    FILL_FIRST = "fill-first"
    ROUND_ROBIN = "round-robin"
    LEAST_USED = "least-used"
    RESET_AWARE = "reset-aware"


def parse_strategy(text: str) -> Strategy:
    """Raises VaultError bad_request."""
    try:
        return Strategy(text)
    except ValueError:
        raise VaultError(
            "bad_request", f"The strategy must be one of: {', '.join(Strategy)}."
        ) from None


@dataclass(frozen=True, slots=True)
class Member:
    """An account in its pool: `position` in the pool's order, requests `in_flight` now.

    `last_taken` counts the pool's choices up to the one that took it last; 0: never.
    """

    account: Account
    condition: Condition
    position: int = 0
    in_flight: int = 0
    last_taken: int = 0


def ordered(strategy: Strategy, members: Sequence[Member], model: str, now: float) -> list[Member]:
    """All members, the one to take first in front."""
    key = _KEYS[strategy](model, now)
    return sorted(members, key=lambda member: (*key(member), *_place(member)))


def described(strategy: Strategy, member: Member, model: str, now: float) -> str:
    """Why the strategy puts this account first, in words."""
    left = f"{share_left(member.condition.windows, model, now):.0%} left"
    return {
        Strategy.DEFAULT_FIRST: (
            "the default account" if member.account.is_default else "next in the pool's order"
        ),
        Strategy.FILL_FIRST: f"the one with the least left is filled first ({left})",
        Strategy.ROUND_ROBIN: "its turn",
        Strategy.LEAST_USED: f"least used: {member.in_flight} requests under way, {left}",
        Strategy.RESET_AWARE: f"most of its quota would lapse unused ({left})",
    }[strategy]


_Key = Callable[[Member], tuple[float, ...]]


def _place(member: Member) -> tuple[float, ...]:
    return (member.account.priority, member.position)


def _default_first(_model: str, _now: float) -> _Key:
    return lambda member: (0.0 if member.account.is_default else 1.0,)


def _fill_first(model: str, now: float) -> _Key:
    return lambda member: (share_left(member.condition.windows, model, now),)


def _round_robin(_model: str, _now: float) -> _Key:
    return lambda member: (member.last_taken,)


def _least_used(model: str, now: float) -> _Key:
    return lambda member: (
        member.in_flight,
        -share_left(member.condition.windows, model, now),
        member.last_taken,
    )


def _reset_aware(model: str, now: float) -> _Key:
    return lambda member: (-lapsing(member, now), -share_left(member.condition.windows, model, now))


def lapsing(member: Member, now: float) -> float:
    """Share per second that has to be used so that nothing lapses at the next reset.

    Of the weekly window if one is open, else of the short one; a closed window loses nothing.
    """
    for name in (WEEKLY, SHORT):
        window = member.condition.windows.get(name)
        if window is None or window.left is None:
            continue
        resets_at = window.at(now).resets_at
        if resets_at is not None:
            return window.left / max(resets_at - now, 60.0)
    return 0.0


_KEYS: dict[Strategy, Callable[[str, float], _Key]] = {
    Strategy.DEFAULT_FIRST: _default_first,
    Strategy.FILL_FIRST: _fill_first,
    Strategy.ROUND_ROBIN: _round_robin,
    Strategy.LEAST_USED: _least_used,
    Strategy.RESET_AWARE: _reset_aware,
}
