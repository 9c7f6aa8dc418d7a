"""How long an account rests, and how fast a window is used up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.accounts.burning import (
    MAX_SAMPLES,
    Sample,
    burn_rate,
    time_to_empty,
    with_sample,
)
from proxy_core.domain.accounts.cooling import LONGEST_BACK_OFF, back_off, refusal
from proxy_core.domain.accounts.headers import HeaderQuota, read_headers
from proxy_core.domain.accounts.windows import WindowStatus

NOW = 1_750_000_000.0
PREFIX = "anthropic-ratelimit-unified-"


def told(**fields: object) -> HeaderQuota:
    """What header fields tell; `_` stands for `-`."""
    said = [
        (name.replace("__", PREFIX).replace("_", "-").encode(), str(value).encode())
        for name, value in fields.items()
    ]
    return read_headers(said, NOW)


def test_a_known_reset_before_everything() -> None:
    """The window that is full carries it: the account as a whole does not rest."""
    said = told(
        __status="rejected",
        __representative_claim="five-hour",
        __reset=int(NOW) + 700,
        retry_after=3,
    )
    found = refusal(said, 429, 1, NOW)
    assert found.rest is None
    assert found.windows[0].resets_at == NOW + 700


def test_a_full_window_without_a_reset_waits_as_long_as_is_said() -> None:
    """Retry-After, else the back-off."""
    said = told(__status="rejected", __representative_claim="seven-day", retry_after=40)
    assert refusal(said, 429, 1, NOW).windows[0].resets_at == NOW + 40
    said = told(__status="rejected", __representative_claim="seven-day")
    assert refusal(said, 429, 3, NOW).windows[0].resets_at == NOW + 4


def test_a_refusal_that_names_no_window() -> None:
    """The account rests: until the reset, as long as is said, or a little longer each time."""
    said = told(__status="rejected", __reset=int(NOW) + 60)
    rest = refusal(said, 429, 1, NOW).rest
    assert rest is not None
    assert rest.until == NOW + 60
    rest = refusal(told(retry_after=7), 429, 1, NOW).rest
    assert rest is not None
    assert (rest.until, rest.reason) == (NOW + 7, "refused with 429")
    rest = refusal(told(), 529, 2, NOW).rest
    assert rest is not None
    assert (rest.until, rest.reason) == (NOW + 2, "overloaded")


@pytest.mark.parametrize("claim", ["overage", "seven-day-overage-included"])
def test_extra_usage_that_is_used_up_is_no_window_of_the_plan(claim: str) -> None:
    """The account rests until the reset that is told."""
    said = told(__status="rejected", __representative_claim=claim, __reset=int(NOW) + 90)
    found = refusal(said, 429, 1, NOW)
    assert found.rest is not None
    assert found.rest.until == NOW + 90
    assert found.windows[0].status is WindowStatus.REJECTED


@given(st.integers(0, 10_000))
def test_back_off(failures: int) -> None:
    """Twice as long each time, half an hour at most."""
    assert 1 <= back_off(failures) <= LONGEST_BACK_OFF
    assert back_off(failures) <= back_off(failures + 1) <= 2 * back_off(max(1, failures))
    assert [back_off(one) for one in (1, 2, 3, 11, 12)] == [1, 2, 4, 1024, 1800]


# --- burning ------------------------------------------------------------------------------------


def collected(*samples: tuple[float, float]) -> tuple[Sample, ...]:
    """Samples as they are kept."""
    kept: tuple[Sample, ...] = ()
    for at, used in samples:
        kept = with_sample(kept, Sample(at, used))
    return kept


def test_burn_rate() -> None:
    """Share per second over what is kept; a minute at least."""
    assert burn_rate(collected((0, 0.1))) is None
    assert burn_rate(collected((0, 0.1), (59, 0.2))) is None
    samples = collected((0, 0.1), (100, 0.2))
    assert burn_rate(samples) == pytest.approx(0.001)
    assert time_to_empty(samples, 100) == pytest.approx(800)
    assert time_to_empty(samples, 300) == pytest.approx(600)
    assert time_to_empty(samples, 2000) == 0


def test_a_share_that_fell_begins_anew() -> None:
    """A window was reset."""
    assert collected((0, 0.9), (100, 0.95), (200, 0.01)) == (Sample(200, 0.01),)


def test_nothing_burns() -> None:
    """No end in sight."""
    samples = collected((0, 0.5), (1000, 0.5))
    assert burn_rate(samples) == 0
    assert time_to_empty(samples, 1000) is None


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1.5)), max_size=300))
def test_samples_are_bounded_and_in_order(given_samples: list[tuple[float, float]]) -> None:
    """However many responses tell of a window."""
    kept = collected(*given_samples)
    assert len(kept) <= MAX_SAMPLES
    assert [one.at for one in kept] == sorted(one.at for one in kept)
    rate = burn_rate(kept)
    assert rate is None or rate >= -1e-9
