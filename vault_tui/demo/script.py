"""What happens when: requests planned from a seed. Pure; the same seed gives the same plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random

from vault_tui.demo.cast import PLAYERS
from vault_tui.demo.roles import Offer, Player

_SLOWEST_MS = (600, 2400)
_USUAL_MS = (2, 60)


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `at` is in seconds from the start; `delay_ms` the upstream's thinking time.

    `status` is what the agent has to see, `code` the proxy's own error code, or empty.
    """

    number: int
    at: float
    player: Player
    offer: Offer
    path: str
    status: int
    code: str
    delay_ms: int


def plan(seed: int, rate: float, players: Sequence[Player] = PLAYERS) -> Iterator[Step]:
    """Steps without end, `rate` a second on average, in order of time."""
    random = Random(seed)  # noqa: S311 - a play, not a secret
    at = 0.0
    number = 0
    while True:
        at += random.expovariate(rate)
        player = random.choice(players)
        yield _step(random, number, at, player)
        number += 1


def plan_for(seed: int, rate: float, seconds: float) -> list[Step]:
    """Exactly `rate * seconds` steps, the last of them at `seconds`."""
    steps = list(islice(plan(seed, rate), max(1, round(rate * seconds))))
    scale = seconds / steps[-1].at
    return [replace(step, at=step.at * scale) for step in steps]


def asking(seed: int, players: Sequence[Player] = PLAYERS) -> list[Step]:
    """One step for each kind of request that waits for an operator, all of them at once."""
    random = Random(seed)  # noqa: S311 - a play, not a secret
    offers = [(player, offer) for player in players for offer in player.asks]
    return [_of_offer(random, number, 0.0, *offer) for number, offer in enumerate(offers)]


def _step(random: Random, number: int, at: float, player: Player) -> Step:
    offer = random.choices(player.offers, [offer.weight for offer in player.offers])[0]
    return _of_offer(random, number, at, player, offer)


def _of_offer(random: Random, number: int, at: float, player: Player, offer: Offer) -> Step:
    status = random.choice(offer.answers)
    low, high = _SLOWEST_MS if random.random() < offer.slow else _USUAL_MS
    return Step(
        number=number,
        at=at,
        player=player,
        offer=offer,
        path=offer.path.replace("{n}", str(random.randint(1, 400))),
        status=status,
        code=offer.refused,
        delay_ms=random.randint(low, high),
    )
