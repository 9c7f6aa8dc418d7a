"""Server-sent events, bytes in and notes out; no I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from proxy_core.domain.events import Event


@dataclass(frozen=True, slots=True)
class Connected:
    """The stream is up; what follows is live."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The stream is down and will be tried again; `reason` is one sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Events that could not be delivered: read the lists afresh.

    `count` is how many; None when the worker was restarted, and nobody knows.
    """

    count: int | None


Note = Event | Lost | Connected | Disconnected


class _LostData(msgspec.Struct):
    count: int | None


_EVENT = msgspec.json.Decoder(Event)
_BATCH = msgspec.json.Decoder(list[Event])
_LOST = msgspec.json.Decoder(_LostData)


class EventReader:
    """Turns the bytes of `GET /v1/events` into events; remembers where to resume."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self._rest = b""

    def restart(self) -> None:
        """Forget a half-received message: a new connection begins."""
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event | Lost]:
        """The events that `data` completes. Raises msgspec.DecodeError for what is no event."""
        # A chunk may end anywhere, in the middle of the blank line too.
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            yield from self._message(block)

    def _message(self, block: bytes) -> Iterator[Event | Lost]:
        fields = dict(_field(line) for line in block.split(b"\n") if not line.startswith(b":"))
        data = fields.get(b"data")
        kind = fields.get(b"event")
        if data is None:
            pass
        elif kind == b"lost":
            yield Lost(_LOST.decode(data).count)
        elif kind == b"batch":
            yield from _BATCH.decode(data)
        else:
            yield _EVENT.decode(data)
        # Only now: a consumer that stopped in the middle of a batch gets the batch again.
        if b"id" in fields:
            self.last_id = fields[b"id"].decode("ascii", "replace")


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")
