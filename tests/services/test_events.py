"""The event ring: order, resume, overrun, filters, threads."""

import asyncio
import threading

import pytest

from proxy_core.domain.events import EventType
from proxy_core.domain.traffic import RequestRecord
from proxy_core.services.events import EventBatch, EventBus, Follow


async def next_batch(bus: EventBus, wanted: Follow) -> EventBatch:
    """The first batch of a follower."""
    async for batch in bus.follow(wanted):
        return batch
    raise AssertionError("the bus was closed")


def ended(request_id: str) -> RequestRecord:
    """A finished request."""
    return RequestRecord(
        request_id=request_id, started_at=0.0, vault="v", ingress="connect", method="GET",
        scheme="https", host="h", port=443, path="/",
    )  # fmt: skip


async def test_followers_get_events_in_order_and_numbered() -> None:
    """A follower that resumes at 0 gets everything, numbered from 1 without gaps."""
    bus = EventBus()
    for number in range(5):
        bus.publish("agent.changed", {"n": number})
    batch = await next_batch(bus, Follow(after=0))
    assert [event.seq for event in batch.events] == [1, 2, 3, 4, 5]
    assert [event.data["n"] for event in batch.events] == [0, 1, 2, 3, 4]
    assert (batch.last_seq, batch.lost) == (5, 0)


async def test_a_new_follower_starts_with_what_happens_next() -> None:
    """Without a position, old events are not sent."""
    bus = EventBus()
    bus.publish("agent.changed", "old")
    waiting = asyncio.ensure_future(next_batch(bus, Follow()))
    await asyncio.sleep(0)
    bus.publish("agent.changed", "new")
    assert [event.data for event in (await waiting).events] == ["new"]


async def test_events_of_one_turn_arrive_in_one_batch() -> None:
    """A burst wakes a waiting follower once."""
    bus = EventBus()
    waiting = asyncio.ensure_future(next_batch(bus, Follow()))
    await asyncio.sleep(0)
    for _ in range(100):
        bus.publish("agent.changed", None)
    assert len((await waiting).events) == 100


async def test_an_overrun_says_how_many_were_lost() -> None:
    """A follower further behind than the ring is told the number, and goes on with the oldest."""
    bus = EventBus(capacity=10)
    for _ in range(25):
        bus.publish("agent.changed", None)
    batch = await next_batch(bus, Follow(after=3))
    assert batch.lost == 12
    assert [event.seq for event in batch.events] == list(range(16, 26))


async def test_a_position_of_another_life_gets_all_that_is_kept() -> None:
    """A number ahead of the worker's own can't be resumed from."""
    bus = EventBus()
    bus.publish("agent.changed", None)
    assert [event.seq for event in (await next_batch(bus, Follow(after=900))).events] == [1]


async def test_only_wanted_types_are_sent() -> None:
    """What a follower didn't ask for doesn't wake it with an empty batch."""
    bus = EventBus()
    bus.publish("agent.changed", "no")
    bus.publish("vault.changed", "yes")
    batch = await next_batch(bus, Follow(after=0, types={"vault.changed"}))
    assert [event.data for event in batch.events] == ["yes"]
    assert batch.last_seq == 2


async def test_coalescing_leaves_out_starts_whose_end_is_in_the_batch() -> None:
    """A request that began and ended within one batch is sent once."""
    bus = EventBus()
    for name in ("a", "b"):
        bus.publish(EventType.REQUEST_STARTED.value, ended(name))
    bus.publish(EventType.REQUEST_FINISHED.value, ended("a"))
    batch = await next_batch(bus, Follow(after=0, coalesce=True))
    assert [(event.type, event.data.request_id) for event in batch.events] == [
        ("request.started", "b"),
        ("request.finished", "a"),
    ]


async def test_other_threads_may_publish() -> None:
    """An event from a thread reaches a waiting follower."""
    bus = EventBus()
    waiting = asyncio.ensure_future(next_batch(bus, Follow()))
    await asyncio.sleep(0)
    thread = threading.Thread(target=bus.publish, args=("worker.problem", "from a thread"))
    thread.start()
    assert [event.data for event in (await waiting).events] == ["from a thread"]
    thread.join()


async def test_closing_ends_followers_after_the_last_event() -> None:
    """A follower sees everything, then its loop ends."""
    bus = EventBus()
    bus.publish("worker.stopping", "last")
    bus.close()
    seen = [batch.events[0].data async for batch in bus.follow(Follow(after=0))]
    assert seen == ["last"]


async def test_a_cancelled_follower_leaves_nothing_behind() -> None:
    """Disconnected consoles don't pile up."""
    bus = EventBus()
    waiting = asyncio.ensure_future(next_batch(bus, Follow()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not bus._waiting


async def test_a_follower_of_some_types_sleeps_through_the_others() -> None:
    """Events of other types neither wake it nor count as lost, however many there were."""
    bus = EventBus(capacity=10)
    waiting = asyncio.ensure_future(next_batch(bus, Follow(types={"vault.changed"})))
    await asyncio.sleep(0)
    for number in range(50):
        bus.publish("request.finished", ended(str(number)))
    await asyncio.sleep(0)
    assert not waiting.done()
    bus.publish("vault.changed", "this one")
    batch = await waiting
    assert ([event.data for event in batch.events], batch.lost) == (["this one"], 0)
