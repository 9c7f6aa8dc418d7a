"""The tree of a filter over request records: what each node means, and its canonical text.

Text is compared without regard to case. In patterns `*` stands for any characters. The store
translates the same tree to SQL; `glob`, `field` and its `column` are there for it.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias

from proxy_core.domain.filter_fields import NULLABLE, Comparison, Flag, NumberField, TextField
from proxy_core.domain.globs import compile_glob
from proxy_core.domain.traffic import RequestRecord

BARE = re.compile(r'[^\s()"\\]+')
KEYWORDS = frozenset(("and", "or", "not"))
NONE = "none"

_COMPARE: dict[Comparison, Callable[[float, float], bool]] = {
    Comparison.AT_LEAST: operator.ge,
    Comparison.AT_MOST: operator.le,
    Comparison.ABOVE: operator.gt,
    Comparison.BELOW: operator.lt,
    Comparison.EQUAL: operator.eq,
}
_glob = lru_cache(maxsize=1024)(compile_glob)


class Filter(Protocol):
    """Any node of the tree; `str()` gives the canonical text."""

    def matches(self, record: RequestRecord) -> bool:
        """Whether the record passes."""


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty filter."""

    def matches(self, record: RequestRecord) -> bool:  # noqa: ARG002 - every record passes
        """True."""
        return True

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class TextTerm:
    """`field:pattern`. `pattern` is in lower case."""

    field: TextField
    pattern: str

    @property
    def glob(self) -> str:
        """The pattern for the whole value: the path is searched, so stars go around it."""
        return f"*{self.pattern}*" if self.field is TextField.PATH else self.pattern or "*"

    def matches(self, record: RequestRecord) -> bool:
        """Whether the field, or one of several credential keys, fits."""
        glob = _glob(self.glob)
        if self.field is TextField.CRED:
            return any(glob.matches(key.lower()) for key in record.credential_keys)
        value: str = getattr(record, self.field.column)
        return glob.matches(value.lower())

    def __str__(self) -> str:
        literal_none = self.pattern == NONE and self.field in NULLABLE
        return f"{self.field}:{_quoted(self.pattern) if literal_none else _bare(self.pattern)}"


@dataclass(frozen=True, slots=True)
class NoneTerm:
    """`field:none`: the record has no agent, service, credential, account or error code."""

    field: TextField

    def matches(self, record: RequestRecord) -> bool:
        """Whether the field is empty."""
        return not getattr(record, self.field.column)

    def __str__(self) -> str:
        return f"{self.field}:{NONE}"


@dataclass(frozen=True, slots=True)
class AnywhereTerm:
    """A bare word, searched in host and path written together. `pattern` is in lower case."""

    pattern: str

    @property
    def glob(self) -> str:
        """The pattern for the whole of host and path."""
        return f"*{self.pattern}*"

    def matches(self, record: RequestRecord) -> bool:
        """Whether host and path contain it."""
        return _glob(self.glob).matches(f"{record.host}{record.path}".lower())

    def __str__(self) -> str:
        word = self.pattern
        return _quoted(word) if word in KEYWORDS or ":" in word else _bare(word)


@dataclass(frozen=True, slots=True)
class NumberTerm:
    """`status` or `latency` compared. Latency is in milliseconds.

    A request without an answer (status 0) or without a latency (below 0) fits no comparison except
    `status:0`.
    """

    field: NumberField
    comparison: Comparison
    value: float

    def matches(self, record: RequestRecord) -> bool:
        """Whether the number fits."""
        if self.field is NumberField.LATENCY:
            number, known = record.latency_ms, record.latency_ms >= 0
        else:
            number, known = record.status, record.status > 0 or self.is_no_answer
        return known and _COMPARE[self.comparison](number, self.value)

    @property
    def is_no_answer(self) -> bool:
        """Whether this is `status:0`, which asks for requests without an answer."""
        return self.comparison is Comparison.EQUAL and self.value == 0

    def __str__(self) -> str:
        sign = "" if self.comparison is Comparison.EQUAL else self.comparison
        number = int(self.value) if self.value.is_integer() else self.value
        return f"{self.field}:{sign}{number}{'ms' if self.field is NumberField.LATENCY else ''}"


@dataclass(frozen=True, slots=True)
class StatusClass:
    """`status:4xx`. `hundred` is 1 to 5."""

    hundred: int

    def matches(self, record: RequestRecord) -> bool:
        """Whether the status is of the class."""
        return record.status // 100 == self.hundred

    def __str__(self) -> str:
        return f"status:{self.hundred}xx"


@dataclass(frozen=True, slots=True)
class FlagTerm:
    """`is:flag`."""

    flag: Flag

    def matches(self, record: RequestRecord) -> bool:
        """Whether the record is that."""
        if self.flag is Flag.STREAM:
            return record.streaming
        if self.flag is Flag.WEBSOCKET:
            return record.websocket
        if self.flag is Flag.HELD:
            return record.held_ms >= 0
        if self.flag is Flag.REPLAYED:
            return record.retries > 0
        return record.decision == self.flag

    def __str__(self) -> str:
        return f"is:{self.flag}"


@dataclass(frozen=True, slots=True)
class And:
    """All parts, of which there are two or more and none is an And itself."""

    parts: tuple["Node", ...]

    def matches(self, record: RequestRecord) -> bool:
        """Whether every part passes the record."""
        return all(part.matches(record) for part in self.parts)

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Any part, of which there are two or more and none is an Or itself."""

    parts: tuple["Node", ...]

    def matches(self, record: RequestRecord) -> bool:
        """Whether some part passes the record."""
        return any(part.matches(record) for part in self.parts)

    def __str__(self) -> str:
        return " or ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a part."""

    part: "Node"

    def matches(self, record: RequestRecord) -> bool:
        """Whether the part does not pass the record."""
        return not self.part.matches(record)

    def __str__(self) -> str:
        return f"not ({self.part})" if isinstance(self.part, And | Or) else f"not {self.part}"


Node: TypeAlias = (
    Everything
    | TextTerm
    | NoneTerm
    | AnywhereTerm
    | NumberTerm
    | StatusClass
    | FlagTerm
    | And
    | Or
    | Not
)


def _bare(text: str) -> str:
    return text if BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
