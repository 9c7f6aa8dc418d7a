"""Quota in the demo: what is used is a function of time, so that every play sees it move. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy_core.base.clock import rfc3339

_LONG_NAMES = {"5h": "five_hour", "7d": "seven_day", "7d_opus": "seven_day_opus"}
_HEADER = "anthropic-ratelimit-unified"


@dataclass(frozen=True, slots=True)
class Course:
    """One window, opened `opened` seconds before the play, that lasts `lasts` seconds.

    It begins with `first` used and grows by `per_hour`, up to `most`. With the reset the next one
    begins, with nothing used. `lasts` 0: no window is open.
    """

    lasts: float = 0.0
    opened: float = 0.0
    first: float = 0.0
    per_hour: float = 0.0
    most: float = 0.97

    def at(self, seconds: float) -> tuple[float, float | None]:
        """Share used, and seconds until the reset, so many seconds into the play."""
        if not self.lasts:
            return 0.0, None
        turns, phase = divmod(seconds + self.opened, self.lasts)
        began = 0.0 if turns else self.first
        return min(began + self.per_hour * phase / 3600, self.most), self.lasts - phase


Courses = Mapping[str, Course]
"""By window."""


def header_lines(courses: Courses, seconds: float, now: float) -> list[str]:
    """As the provider sends it with every answer; `now` is epoch seconds."""
    lines = [f"{_HEADER}-status: allowed"]
    for name, course in courses.items():
        used, left = course.at(seconds)
        if left is not None:
            lines += [
                f"{_HEADER}-{name}-utilization: {used:.4f}",
                f"{_HEADER}-{name}-reset: {int(now + left) + 1}",
                f"{_HEADER}-{name}-status: {'rejected' if used >= 1 else 'allowed'}",
            ]
    return lines


def usage_document(courses: Courses, seconds: float, now: float) -> dict[str, object]:
    """As the provider's usage endpoint tells it."""
    document: dict[str, object] = {}
    for name, course in courses.items():
        used, left = course.at(seconds)
        resets_at = None if left is None else rfc3339(now + left)
        document[_LONG_NAMES[name]] = {"utilization": used * 100, "resets_at": resets_at}
    return document
