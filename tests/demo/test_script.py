"""The demo's plan."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from vault_tui.demo.cast import HOSTS, PLAYERS, VAULTS
from vault_tui.demo.script import plan, plan_for


@given(st.integers())
def test_the_same_seed_gives_the_same_plan(seed: int) -> None:
    """A plan is a function of its seed."""
    assert list(islice(plan(seed, 5), 50)) == list(islice(plan(seed, 5), 50))


@given(st.floats(0.5, 200), st.floats(0.5, 10))
def test_a_plan_fills_its_time(rate: float, seconds: float) -> None:
    """As many steps as rate and time say, in order, the last one at the end."""
    steps = plan_for(1, rate, seconds)
    times = [step.at for step in steps]
    assert len(steps) == max(1, round(rate * seconds))
    assert times == sorted(times)
    assert abs(times[-1] - seconds) < 1e-6


def test_the_cast_is_consistent() -> None:
    """Every agent has a vault, and every service's host is asked by someone."""
    vaults = {vault.name for vault in VAULTS}
    assert {player.vault for player in PLAYERS} <= vaults
    asked = set(HOSTS)
    for vault in VAULTS:
        for part in vault.parts:
            assert str(part.document["host"]).partition("/")[0] in asked
