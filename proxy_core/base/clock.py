"""The two clocks: `time` for what people read and what is stored, `monotonic` for durations."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from. Passed in, so that tests need not wait."""

    def time(self) -> float:
        """Seconds since the epoch. May step in either direction."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start. Never steps back."""


class SystemClock:
    """The machine's clocks: the system's own functions, since the data path asks often."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


class FakeClock:
    """A clock that moves when it is told to, for tests."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._time = now
        self._monotonic = 0.0

    def time(self) -> float:
        """Seconds since the epoch, as set."""
        return self._time

    def monotonic(self) -> float:
        """Seconds that `advance` has added up."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks. Raises ValueError when they are negative."""
        if seconds < 0:
            raise ValueError("time passes forwards; use step() for a clock that is put back")
        self._time += seconds
        self._monotonic += seconds

    def step(self, seconds: float) -> None:
        """Put the wall clock forward or back, as NTP or a person would; durations don't change."""
        self._time += seconds


def rfc3339(epoch: float) -> str:
    """`2026-01-31T09:15:00.250Z`: UTC, milliseconds, cut off rather than rounded.

    Raises ValueError or OverflowError outside the years 1 to 9999.
    """
    moment = datetime.fromtimestamp(epoch, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Epoch seconds of an RFC 3339 time with an offset. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("time has no offset")
    return moment.timestamp()
