"""Requests and errors per second, for the figures on top of the traffic screen."""

from collections import deque

SECONDS = 300


class Rates:
    """Counts per second over the last five minutes; `now` is epoch seconds, whole after cutting."""

    def __init__(self) -> None:
        self._requests: deque[tuple[int, int]] = deque()
        self._errors: deque[tuple[int, int]] = deque()

    def request(self, now: float) -> None:
        """A request was seen."""
        _count(self._requests, int(now))

    def error(self, now: float) -> None:
        """A request failed or was refused."""
        _count(self._errors, int(now))

    def series(self, now: float, seconds: int) -> list[int]:
        """Requests of each of the last `seconds` whole seconds, oldest first."""
        _forget(self._requests, int(now))
        counts = dict(self._requests)
        return [counts.get(int(now) - back, 0) for back in range(seconds, 0, -1)]

    def per_second(self, now: float) -> float:
        """The mean of the last five whole seconds."""
        return sum(self.series(now, 5)) / 5

    def errors(self, now: float) -> int:
        """Errors of the last five minutes."""
        _forget(self._errors, int(now))
        return sum(count for _, count in self._errors)


def _count(counts: deque[tuple[int, int]], second: int) -> None:
    if counts and counts[-1][0] == second:
        counts[-1] = (second, counts[-1][1] + 1)
    else:
        counts.append((second, 1))
        _forget(counts, second)


def _forget(counts: deque[tuple[int, int]], second: int) -> None:
    while counts and counts[0][0] <= second - SECONDS:
        counts.popleft()
