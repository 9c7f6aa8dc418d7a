"""What workers that share a database tell one another: what was touched, and what was announced.

    {"worker": ID, "touched": ["vault:ID", …], "events": [[TYPE, DATA], …]}

A message fits into a NOTIFY of PostgreSQL. It holds no secret: names and ids, as events do.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy_core.store.touched import EVERYTHING, Touched, parse_touched, summary

MAX_BYTES: Final = 7_900
"""PostgreSQL takes less than 8,000."""

_KEPT: Final = ("vault", "name", "id", "by")
_ROOM: Final = MAX_BYTES - 200
"""What the events of a message may take; the rest is for what stands around them."""

Announced = tuple[str, Mapping[str, Any]]
"""An event's type and data."""


@dataclass(frozen=True, slots=True)
class Message:
    """`worker` names the worker's run."""

    worker: str
    touched: frozenset[Touched] = frozenset()
    events: tuple[Announced, ...] = field(default=(), repr=False)


GAP: Final = Message("", frozenset((EVERYTHING,)))
"""Something was missed: anything may have changed."""


class _Wire(msgspec.Struct):
    worker: str
    touched: list[str] = []
    events: list[tuple[str, dict[str, Any]]] = []


def encode_touched(worker: str, touched: Iterable[Touched]) -> str:
    """The message that goes with a change."""
    told = sorted(str(one) for one in summary(touched))
    return msgspec.json.encode(_Wire(worker, told)).decode()


def encode_events(worker: str, events: Iterable[Announced]) -> Iterator[str]:
    """Messages that tell of events, as few as they fit into, in order."""
    batch: list[bytes] = []
    size = 0
    for type, data in events:
        part = _part(type, data)
        if batch and size + len(part) > _ROOM:
            yield _joined(worker, batch)
            batch, size = [], 0
        batch.append(part)
        size += len(part) + 1
    if batch:
        yield _joined(worker, batch)


def decode(text: str) -> Message:
    """A message as it came. One that can't be read may mean anything: it is taken for a gap."""
    try:
        wire = msgspec.json.decode(text, type=_Wire)
    except (msgspec.DecodeError, RecursionError):
        return GAP
    touched = frozenset(parse_touched(one) for one in wire.touched)
    return Message(wire.worker, summary(touched), tuple(wire.events))


def _part(type: str, data: Mapping[str, Any]) -> bytes:
    part = msgspec.json.encode((type, data))
    if len(part) > _ROOM:
        short = {name: data[name] for name in _KEPT if name in data}
        part = msgspec.json.encode((type, {**short, "shortened": True}))
    return part if len(part) <= _ROOM else msgspec.json.encode((type, {"shortened": True}))


def _joined(worker: str, parts: list[bytes]) -> str:
    head = msgspec.json.encode(worker)
    return (b'{"worker":%s,"events":[%s]}' % (head, b",".join(parts))).decode()
