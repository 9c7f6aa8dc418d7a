"""The worker's live events, with automatic reconnection and resumption."""

import asyncio
import http.client
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.client.calls import Call, event_stream
from proxy_core.client.failures import failure_of, unreachable, unreadable
from proxy_core.client.sse import Connected, Disconnected, EventReader, Lost, Note
from proxy_core.client.sync_client import SyncClient

if TYPE_CHECKING:  # httpx costs 300 ms, and the blocking stream does without it
    from proxy_core.client.async_client import AsyncClient

__all__ = ["Connected", "Disconnected", "Lost", "Note", "events", "events_sync"]

# The worker sends a comment every 10 s, so silence for longer means that the link is dead.
SILENCE_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0
_RETRIED = frozenset({"no_worker", "overloaded", "shutting_down", "internal"})


async def events(
    client: "AsyncClient",
    after: int | None = None,
    types: Sequence[str] = (),
    coalesce: bool = False,
) -> AsyncIterator[Note]:
    """Events as they happen, without end; with `after`, first those that followed that `seq`.

    With `coalesce` the worker sends at most ten batches a second and leaves out the start of a
    request whose end is in the same batch. What the worker refuses is raised as VaultError; an
    outage is a `Disconnected` among the notes, and followed by another attempt.
    """
    reader = EventReader("" if after is None else str(after))
    pause = _FIRST_PAUSE
    while True:
        reader.restart()
        try:
            async for note in _one_connection(client, reader, event_stream(None, types, coalesce)):
                pause = _FIRST_PAUSE
                yield note
            reason = "The worker ended the stream."
        except VaultError as error:
            if error.code not in _RETRIED:
                raise
            reason = str(error)
        yield Disconnected(reason)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _one_connection(
    client: "AsyncClient", reader: EventReader, call: Call[str]
) -> AsyncIterator[Note]:
    import httpx

    request = client.request(call, timeout=SILENCE_SECONDS)
    request.headers.update(_stream_headers(reader))
    try:
        response = await client.http.send(request, stream=True)
        try:
            if response.status_code >= 400:
                data, where = await response.aread(), client.target.sign_in_at
                raise failure_of(response.status_code, data, sign_in_at=where)
            yield Connected()
            async for data in response.aiter_raw():
                for note in reader.feed(data):
                    yield note
        finally:
            await response.aclose()
    except httpx.TransportError as error:
        raise client.failure(error) from error
    except msgspec.DecodeError as error:
        raise unreadable(client.where) from error


def events_sync(
    client: SyncClient, after: int | None = None, types: Sequence[str] = ()
) -> Iterator[Note]:
    """As `events`, blocking."""
    reader = EventReader("" if after is None else str(after))
    pause = _FIRST_PAUSE
    while True:
        reader.restart()
        try:
            for note in _one_connection_sync(client, reader, event_stream(None, types)):
                pause = _FIRST_PAUSE
                yield note
            reason = "The worker ended the stream."
        except VaultError as error:
            if error.code not in _RETRIED:
                raise
            reason = str(error)
        yield Disconnected(reason)
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _one_connection_sync(
    client: SyncClient, reader: EventReader, call: Call[str]
) -> Iterator[Note]:
    connection, response = client.open(call, SILENCE_SECONDS, _stream_headers(reader))
    try:
        yield Connected()
        while data := response.read1(65536):
            yield from reader.feed(data)
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(error, client.where) from error
    except msgspec.DecodeError as error:
        raise unreadable(client.where) from error
    finally:
        connection.close()


def _stream_headers(reader: EventReader) -> dict[str, str]:
    headers = {"Accept": "text/event-stream"}
    if reader.last_id:
        headers["Last-Event-ID"] = reader.last_id
    return headers
