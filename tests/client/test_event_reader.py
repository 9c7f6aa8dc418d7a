"""Server-sent events from bytes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.client.sse import EventReader, Lost
from proxy_core.domain.events import Event


def event(seq: int) -> Event:
    """An event that says which it is."""
    return Event(seq=seq, type="worker.problem", at=1.5, data={"number": seq})


def message(seq: int) -> bytes:
    """As the worker sends it."""
    return b"event: worker.problem\nid: L-%d\ndata: %s\n\n" % (seq, msgspec.json.encode(event(seq)))


@given(st.lists(st.integers(1, 60), max_size=12))
def test_chunks_may_end_anywhere(cuts: list[int]) -> None:
    """However the bytes are cut, the same events come out, in order."""
    data = b":\n\n" + b"".join(message(seq) for seq in range(1, 5)) + b":\n\n"
    reader, found, start = EventReader(), [], 0
    for cut in cuts:
        found += reader.feed(data[start : start + cut])
        start += cut
    found += reader.feed(data[start:])
    assert found == [event(seq) for seq in range(1, 5)]
    assert reader.last_id == "L-4"


def test_a_batch_and_a_loss() -> None:
    """A batch is several events; a loss says how many, or that nobody knows."""
    reader = EventReader()
    batch = b"event: batch\nid: L-3\ndata: %s\n\n" % msgspec.json.encode([event(2), event(3)])
    lost = b'event: lost\ndata: {"count":7}\n\nevent: lost\ndata: {"count":null}\n\n'
    assert list(reader.feed(lost + batch)) == [Lost(7), Lost(None), event(2), event(3)]
    assert reader.last_id == "L-3"


def test_the_position_comes_with_the_greeting() -> None:
    """A message without data tells where to resume, so that even a first cut loses nothing."""
    reader = EventReader()
    assert list(reader.feed(b"id: L-9\n\n")) == []
    assert reader.last_id == "L-9"


def test_half_a_message_is_forgotten_on_reconnection() -> None:
    """What a cut connection left does not mix with the next one's first message."""
    reader = EventReader()
    assert list(reader.feed(message(1)[:20])) == []
    reader.restart()
    assert list(reader.feed(message(2))) == [event(2)]


def test_nonsense_is_an_error() -> None:
    """Data that is no event is told, not skipped."""
    with pytest.raises(msgspec.DecodeError):
        list(EventReader().feed(b"data: nonsense\n\n"))
