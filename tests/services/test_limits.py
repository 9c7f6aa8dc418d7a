"""Rates, concurrency and wrong tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import AGENT_PREFIX, new_token
from proxy_core.services.application import Application
from proxy_core.services.limits import AuthFailures, Limit, RequestLimits
from tests.services.conftest import ADA, basic, make_agent


def refused(limits: RequestLimits, agent: str = "a1", vault: str = "v1") -> VaultError:
    """The refusal of a request."""
    with pytest.raises(VaultError) as caught:
        limits.admit(agent, vault)
    assert caught.value.code == "rate_limited"
    return caught.value


def test_without_limits_nothing_is_counted() -> None:
    """The hot path stays as it was."""
    assert RequestLimits(FakeClock()).admit("a1", "v1") is None


def test_a_burst_passes_and_then_the_rate() -> None:
    """The refusal names the seconds to wait; after them one more passes."""
    clock = FakeClock()
    limits = RequestLimits(clock)
    limits.agents.limit = Limit(rate=0.5, burst=2)
    for _ in range(2):
        assert limits.admit("a1", "v1") is not None
    assert refused(limits).retry_after == 2
    assert limits.admit("a2", "v1") is not None
    clock.advance(1)
    assert refused(limits).retry_after == 1
    clock.advance(1)
    assert limits.admit("a1", "v1") is not None


def test_concurrency_counts_what_is_under_way() -> None:
    """Of a vault here: a request that ends makes room, whoever's it was."""
    limits = RequestLimits(FakeClock())
    limits.vaults.limit = Limit(concurrency=2)
    leave = limits.admit("a1", "v1")
    assert limits.admit("a2", "v1") is not None
    assert refused(limits, "a3").retry_after == 1
    assert leave is not None
    leave()
    assert limits.admit("a3", "v1") is not None


def test_a_refusal_by_the_vault_costs_the_agent_nothing() -> None:
    """Both are asked before either pays."""
    limits = RequestLimits(FakeClock())
    limits.agents.limit = Limit(rate=1, burst=1)
    limits.vaults.limit = Limit(concurrency=1)
    leave = limits.admit("a1", "v1")
    refused(limits, "a2")
    assert leave is not None
    leave()
    assert limits.admit("a2", "v1") is not None


@given(
    steps=st.lists(st.floats(0, 5), max_size=60),
    rate=st.sampled_from([0.5, 1.0, 7.0]),
    burst=st.integers(1, 5),
)
def test_no_pattern_passes_more_than_burst_and_rate(
    steps: list[float], rate: float, burst: int
) -> None:
    """However the requests come, at most burst + rate * time of them pass."""
    clock = FakeClock()
    limits = RequestLimits(clock)
    limits.agents.limit = Limit(rate=rate, burst=burst)
    passed, began = 0, clock.monotonic()
    for step in steps:
        clock.advance(step)
        try:
            limits.admit("a1", "")
        except VaultError:
            continue
        passed += 1
        assert passed <= burst + rate * (clock.monotonic() - began) + 1e-6


def test_wrong_tokens_are_told_to_wait() -> None:
    """Beyond the budget of an address, until its minute is over; other addresses are not."""
    clock = FakeClock()
    failures = AuthFailures(clock)
    failures.budget = 2
    failures.failed("10.0.0.1")
    clock.advance(10)
    failures.failed("10.0.0.1")
    with pytest.raises(VaultError) as caught:
        failures.failed("10.0.0.1")
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 50)
    failures.failed("10.0.0.2")
    clock.advance(50)
    failures.failed("10.0.0.1")


async def test_a_right_token_passes_where_others_are_wrong(app: Application) -> None:
    """Agents of one machine share its address; a missing token is no wrong one."""
    await app.settings.change({"auth_failures_per_minute": 1}, ADA)
    good, wrong = basic(await make_agent(app, "bot", "default")), basic(new_token(AGENT_PREFIX))
    codes = []
    for field in (None, None, wrong, wrong, b"Basic junk"):
        with pytest.raises(VaultError) as caught:
            app.broker.authenticate(field, "127.0.0.1")
        codes.append(caught.value.code)
    assert codes == ["proxy_auth_required"] * 3 + ["rate_limited"] * 2
    assert app.broker.authenticate(good, "127.0.0.1").actor_name == "bot"


async def test_limits_are_settings(app: Application) -> None:
    """Effective at the next request, for each agent and for the vault."""
    access = app.broker.authenticate(basic(await make_agent(app, "bot", "default")))
    assert app.broker.admit(access) is None
    await app.settings.change({"agent_requests_per_second": 1, "agent_burst": 1}, ADA)
    assert app.broker.admit(access) is not None
    with pytest.raises(VaultError):
        app.broker.admit(access)
    await app.settings.change({"agent_requests_per_second": None, "vault_concurrency": 1}, ADA)
    leave = app.broker.admit(access)
    with pytest.raises(VaultError):
        app.broker.admit(access)
    assert leave is not None
    leave()
