"""A finding: what is wrong, why it matters, and the one command that mends it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """ERROR: something does not work. WARNING: it will not, or not safely. NOTE: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable; `what` and `why` are a sentence each and hold no secret. `remedy` is what
    to type, empty where there is nothing to type.
    """

    level: Level
    code: str
    what: str
    why: str
    remedy: str = ""


def error(code: str, what: str, why: str, remedy: str = "") -> Finding:
    """Something does not work."""
    return Finding(Level.ERROR, code, what, why, remedy)


def warning(code: str, what: str, why: str, remedy: str = "") -> Finding:
    """Something will not work, or not safely."""
    return Finding(Level.WARNING, code, what, why, remedy)


def note(code: str, what: str, why: str, remedy: str = "") -> Finding:
    """Nothing is wrong, but it is worth knowing; it makes no run fail."""
    return Finding(Level.NOTE, code, what, why, remedy)
