"""Following the worker's events for a person: each outage is told once."""

from collections.abc import Iterator, Sequence

from proxy_core.client.sse import Connected, Disconnected, Note
from proxy_core.client.sync_client import SyncClient


def follow(client: SyncClient, types: Sequence[str]) -> Iterator[Note]:
    """Events as they happen, without end. Raises VaultError when the worker refuses."""
    from proxy_core.client.stream import events_sync

    yield from once_an_outage(events_sync(client, types=types))


def once_an_outage(notes: Iterator[Note]) -> Iterator[Note]:
    """The notes without the failed attempts between the first one and the next connection."""
    down = False
    for note in notes:
        if isinstance(note, Disconnected):
            if down:
                continue
            down = True
        elif isinstance(note, Connected):
            down = False
        yield note
