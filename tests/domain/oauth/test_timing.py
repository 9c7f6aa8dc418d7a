"""When tokens are refreshed, and when a failed refresh is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.oauth import refresh_due_at, retry_wait

LIVES = st.floats(0, 1e8)
SHARES = st.floats(0, 1)


@pytest.mark.parametrize(
    ("life", "jitter", "due"),
    [
        (28_800, 0, 28_500),  # five minutes before
        (28_800, 1, 28_470),
        (600, 0, 480),  # a fifth of a short life
        (600, 1, 468),
        (2, 0, 1.6),
        (0, 0, 0),
    ],
)
def test_a_refresh_comes_well_before_the_end(life: float, jitter: float, due: float) -> None:
    """Five minutes or 20 % of the life, whichever is less, and a little more by chance."""
    assert refresh_due_at(1000, 1000 + life, jitter) == pytest.approx(1000 + due)


@given(LIVES, SHARES)
def test_a_refresh_is_due_within_the_life(life: float, jitter: float) -> None:
    """Never before the token was obtained, never after its end."""
    assert 1e9 <= refresh_due_at(1e9, 1e9 + life, jitter) <= 1e9 + life


def test_a_token_that_came_expired_is_due_at_once() -> None:
    """An end before the beginning means: now."""
    assert refresh_due_at(1000, 400, 0.5) == 1000


def test_waits_double_up_to_five_minutes() -> None:
    """Two seconds, then twice as long each time, then five minutes for good."""
    waits = [retry_wait(failures, None, 0) for failures in range(1, 11)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert retry_wait(100_000, None, 0) == 300


def test_the_provider_knows_better() -> None:
    """Retry-After is obeyed, up to a day, and never shortened by chance."""
    assert retry_wait(1, 90, 0) == 90
    assert retry_wait(1, 90, 1) == pytest.approx(99)
    assert retry_wait(9, 0, 0) == 0
    assert retry_wait(1, 1e9, 0) == 86_400
