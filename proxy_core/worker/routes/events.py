"""The live events as server-sent events.

    id: LIFE-SEQ          where to resume: `Last-Event-ID`, or `?after=` (a bare SEQ will do)
    event: TYPE           data is one Event
    event: batch          with `coalesce=1`: data is a list of Events, at most ten times a second
    event: lost           data is {"count": N}, null after a restart of the worker

LIFE names the worker's run: sequence numbers start anew with it. A follower's speed is its own
matter: what waits is the shared ring, never a queue of its own.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromQuery
from litestar.response import Stream

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.services.events import EventBatch, EventBus, Follow
from proxy_core.services.principal import Permission, allowed_vaults
from proxy_core.services.visible_events import visible
from proxy_core.worker.guard import fails, needs
from proxy_core.worker.uses import UseApp, UseCaller

HEARTBEAT_SECONDS = 10.0
FLUSH_SECONDS = 0.1
# Behind a position of no life of ours: the follower gets everything that is kept.
_OLDEST = -1
_NOTHING = EventBatch([], 0)
_KNOWN_TYPES = frozenset(kind.value for kind in EventType)


@get(
    "/v1/events",
    opt=needs(Permission.READ_EVENTS, "any"),
    responses=fails(401),
    media_type="text/event-stream",
)
async def events(
    request: Request[object, object, State],
    app: UseApp,
    caller: UseCaller,
    after: FromQuery[str | None] = None,
    types: FromQuery[str] = "",
    coalesce: FromQuery[bool] = False,
) -> Stream:
    """Events as they happen, of the vaults that one may see; resumes behind `Last-Event-ID` or
    `after`; `types` by comma.
    """
    position = request.headers.get("last-event-id") or after
    start, restarted = _position(app.bus, position)
    wanted = Follow(start, _chosen(types), coalesce, FLUSH_SECONDS if coalesce else 0.0)

    def allowed(batch: EventBatch) -> EventBatch:
        principal = caller.known()
        if caller.token is not None:  # it may have been revoked since
            principal = app.identity.of_bearer(caller.token)
        names = allowed_vaults(principal, Permission.READ_EVENTS)
        if names is None:
            return batch
        return replace(batch, events=visible(batch.events, names, app.vaults.by_name))

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    parts = _stream(app.bus, wanted, restarted, allowed)
    return Stream(parts, media_type="text/event-stream", headers=headers)


async def _stream(
    bus: EventBus, wanted: Follow, restarted: bool, allowed: Callable[[EventBatch], EventBatch]
) -> AsyncIterator[bytes]:
    """The stream; it ends when `allowed`, which leaves out what may not be seen, refuses."""
    # At once: the client learns that it is connected, and where it stands.
    yield b"" if restarted else f"id: {bus.life}-{wanted.after}\n\n".encode()
    if restarted:
        yield b'event: lost\ndata: {"count":null}\n\n'
    async with aclosing(_with_heartbeat(bus.follow(wanted))) as batches:
        async for batch in batches:
            try:
                shown = allowed(batch or _NOTHING)
            except VaultError:
                return
            if batch is None:
                yield b":\n\n"
            elif shown.events or shown.lost:
                yield _encoded(bus.life, shown, wanted.coalesce)


async def _with_heartbeat(
    batches: AsyncIterator[EventBatch],
) -> AsyncGenerator[EventBatch | None, None]:
    """The batches, and None whenever nothing happened for HEARTBEAT_SECONDS."""
    waiting: asyncio.Future[EventBatch] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(batches))
            done, _ = await asyncio.wait({waiting}, timeout=HEARTBEAT_SECONDS)
            if not done:
                yield None
                continue
            finished, waiting = waiting, None
            try:
                batch = finished.result()
            except StopAsyncIteration:
                return
            yield batch
    finally:
        if waiting is not None:
            waiting.cancel()


def _encoded(life: str, batch: EventBatch, coalesce: bool) -> bytes:
    parts = []
    if batch.lost:
        parts.append(b'event: lost\ndata: {"count":%d}\n\n' % batch.lost)
    if coalesce:
        data = msgspec.json.encode(batch.events)
        parts.append(
            b"event: batch\nid: %s-%d\ndata: %s\n\n" % (life.encode(), batch.last_seq, data)
        )
        return b"".join(parts)
    for event in batch.events:
        head = f"event: {event.type}\nid: {life}-{event.seq}\ndata: ".encode()
        parts.append(head + msgspec.json.encode(event) + b"\n\n")
    return b"".join(parts)


def _position(bus: EventBus, text: str | None) -> tuple[int, bool]:
    """Where to start, and whether the position is of another life of the worker."""
    if not text:
        return bus.last_seq, False
    life, _, number = text.rpartition("-")
    if not (number.isascii() and number.isdecimal() and len(number) <= 18):
        raise VaultError("bad_request", "The position must be the id of an event.")
    seq = int(number)
    if (life and life != bus.life) or seq > bus.last_seq:
        return _OLDEST, True
    return seq, False


def _chosen(types: str) -> frozenset[str]:
    chosen = frozenset(name for name in types.split(",") if name)
    if chosen - _KNOWN_TYPES:
        raise VaultError("bad_request", "There is no such event type; see the documentation.")
    return chosen


HANDLERS = (events,)
