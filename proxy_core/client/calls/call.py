"""What a call is, and what all are made with."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from proxy_core.domain import wire

T = TypeVar("T")
Query = tuple[tuple[str, str], ...]
LONGEST_WAIT = 25
"""Seconds that a call may wait at the worker: less than a client's own time limit."""


@dataclass(frozen=True, slots=True, repr=False)
class Call(Generic[T]):
    """One request. `path` is percent-encoded, `query` not yet; a `result_type` of str: raw text."""

    method: str
    path: str
    result_type: type[T]
    query: Query = ()
    body: wire.Request | None = None

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def encode(self) -> bytes | None:
        """The body as JSON, or None."""
        return None if self.body is None else msgspec.json.encode(self.body)

    def decode(self, data: bytes) -> T:
        """The answer's value.

        Raises msgspec.DecodeError or UnicodeDecodeError when it is not of `result_type`.
        """
        if self.result_type is str:
            return data.decode()  # type: ignore[return-value]  # T is str here
        return msgspec.json.decode(data, type=self.result_type)

    def __repr__(self) -> str:
        return f"Call({self.method} {self.path})"


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def in_vault(name: str, rest: str = "") -> str:
    """The path of a vault, and `rest` below it."""
    return f"/v1/vaults/{segment(name)}{rest}"


def given(**values: str | int | None) -> Query:
    """The query of the values that are set."""
    return tuple((name, str(value)) for name, value in values.items() if value not in (None, ""))
