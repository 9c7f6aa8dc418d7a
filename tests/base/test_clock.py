"""Clocks and the time format."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.clock import FakeClock, SystemClock, parse_rfc3339, rfc3339


def test_rfc3339_is_utc_with_milliseconds_cut_off() -> None:
    """A fraction is never rounded up into the next second."""
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(1_700_000_000.9999) == "2023-11-14T22:13:20.999Z"


@given(st.floats(0, 4e9))
def test_a_written_time_reads_back_within_a_millisecond(epoch: float) -> None:
    """What the API writes, a client can compare."""
    assert abs(parse_rfc3339(rfc3339(epoch)) - epoch) <= 0.001001


def test_times_without_an_offset_are_refused() -> None:
    """A local time would mean something else on another machine."""
    with pytest.raises(ValueError, match="offset"):
        parse_rfc3339("2026-01-01T00:00:00")


def test_the_system_clock_agrees_with_the_machine() -> None:
    """Both readings are the machine's own."""
    clock = SystemClock()
    assert abs(clock.time() - time.time()) < 5
    assert clock.monotonic() <= time.monotonic()


def test_a_fake_clock_advances_both_and_steps_one() -> None:
    """Durations survive a wall clock that is put back."""
    clock = FakeClock(100.0)
    clock.advance(5)
    clock.step(-50)
    assert (clock.time(), clock.monotonic()) == (55.0, 5.0)
    with pytest.raises(ValueError, match="forwards"):
        clock.advance(-1)
