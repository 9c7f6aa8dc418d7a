"""A refused request is sent once more with another credential, or its refusal passes as it came."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    Decision,
    Injection,
    Loan,
    ResponseFacts,
    SecretSubstitution,
)
from proxy_core.domain.service import Surface
from tests.mitm.rig import Client, Rig, read_request, request, rig, until

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
OLD, NEW = b"Bearer old", b"Bearer new"
REFUSAL = b"HTTP/1.1 401 No\r\nX-Why: stale\r\nContent-Length: 5\r\n\r\nstale"
KIB = 1024
SECOND = Injection(headers=((b"Authorization", NEW),))


def reconsider(proxy: Rig, second: Injection | VaultError | None = SECOND) -> None:
    """Let the broker inject the old credential first, and offer `second` when it is refused."""
    proxy.broker.injection = Injection(headers=((b"Authorization", OLD),))
    proxy.broker.reconsiders = True
    proxy.broker.second = second


@dataclass
class Strict:
    """Refuses the old credential and takes the new one; answers with the body's size."""

    refusal: bytes = REFUSAL
    takes: bytes = NEW
    seen: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.connections += 1
        while True:
            head, body = await read_request(reader)
            self.seen.append((head, body))
            if self.takes in head:
                answer = b"%d" % len(body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer))
                writer.write(answer)
            else:
                writer.write(self.refusal)
            await writer.drain()


def post(body: bytes, extra: bytes = b"") -> bytes:
    """A POST with a length."""
    return request(b"/", b"POST", extra + b"Content-Length: %d\r\n" % len(body)) + body


async def test_a_post_is_sent_again_with_the_new_credential(tmp_path: Path) -> None:
    """The client sees one 200; the upstream saw the same request twice, on one connection."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"x" * 1000, b"X-Mine: 1\r\n"))
        status, head, body = await client.response()
        assert (status, body) == (200, b"1000")
        assert b"X-Why" not in head
        (first, one), (second, two) = strict.seen
        assert first.replace(OLD, NEW) == second
        assert one == two == b"x" * 1000
        assert strict.connections == 1
        (record,) = await proxy.broker.wait_records(1)
        assert (record.status, record.retries, record.bytes_up) == (200, 1, 1000)
        assert record.reason == "second"
        (facts,) = proxy.broker.responses
        assert (facts.status, facts.repeatable) == (401, True)
        assert (b"X-Why", b"stale") in facts.headers
        assert proxy.memory_used == 0


@pytest.mark.parametrize("size", [70 * KIB, 2048 * KIB])
async def test_a_body_in_many_writes(tmp_path: Path, size: int) -> None:
    """What came long after the head is sent again too, from memory."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        body = bytes(range(256)) * (size // 256)
        await client.send(post(body))
        assert (await client.response())[2] == b"%d" % size
        assert [sent for _, sent in strict.seen] == [body, body]
        assert proxy.memory_used == 0


async def test_chunks_and_trailers_are_sent_again(tmp_path: Path) -> None:
    """As they went the first time."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
        for _ in range(3):
            await client.send(b"3\r\nabc\r\n")
            await asyncio.sleep(0)
        await client.send(b"0\r\nX-Sum: 1\r\n\r\n")
        assert (await client.response())[0] == 200
        assert [body for _, body in strict.seen] == [
            b"3\r\nabc\r\n" * 3 + b"0\r\nX-Sum: 1\r\n\r\n"
        ] * 2


async def test_requests_without_a_body(tmp_path: Path) -> None:
    """The same, and the connection carries the next request."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        for _ in range(2):
            await client.send(request())
            assert (await client.response())[0] == 200
        assert len(strict.seen) == 4


async def test_a_refusal_of_the_second_passes(tmp_path: Path) -> None:
    """As it came, when the broker has no other after that."""
    strict = Strict(takes=b"another")
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"body"))
        status, head, body = await client.response()
        assert (status, body) == (401, b"stale")
        assert b"X-Why: stale\r\n" in head
        assert len(strict.seen) == 2
        assert len(proxy.broker.responses) == 2


@pytest.mark.parametrize("second", [None, VaultError("credential_not_found")])
async def test_without_another_credential_the_refusal_passes(
    tmp_path: Path, second: VaultError | None
) -> None:
    """The upstream's own words, whether the broker has none or can't produce it."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy, second)
        client = await proxy.secure()
        for _ in range(2):
            await client.send(post(b"body"))
            status, head, body = await client.response()
            assert (status, body) == (401, b"stale")
            assert b"X-Why: stale\r\n" in head
        assert len(strict.seen) == 2
        record = (await proxy.broker.wait_records(2))[0]
        assert (record.status, record.retries, record.error_code) == (401, 0, "")


async def test_decisions_that_can_not_change_are_not_reconsidered(tmp_path: Path) -> None:
    """A static credential: the refusal passes, and no body was held for it."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        proxy.broker.reconsiders = False
        client = await proxy.secure()
        await client.send(post(b"x" * 100_000))
        assert (await client.response())[0] == 401
        assert not proxy.broker.responses


async def test_answers_below_400_are_not_reconsidered(tmp_path: Path) -> None:
    """A success or a redirect says nothing against the credential."""
    async with rig(tmp_path, Strict(takes=OLD)) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"x"))
        assert (await client.response())[0] == 200
        assert not proxy.broker.responses


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("limit", [{"replay_limit": 50_000}, {"body_memory": 50_000}])
async def test_a_body_that_is_too_large_to_hold(
    tmp_path: Path, announced: bool, limit: dict[str, int]
) -> None:
    """Its refusal passes as it came; the broker has learnt of it and that it is too late."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        proxy.configure(**limit)
        client = await proxy.secure()
        if announced:
            await client.send(post(b"x" * 300_000))
        else:
            await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
            for _ in range(30):
                await client.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            await client.send(b"0\r\n\r\n")
        status, _, body = await client.response()
        assert (status, body) == (401, b"stale")
        assert len(strict.seen) == 1
        assert [facts.repeatable for facts in proxy.broker.responses] == [False]
        assert proxy.memory_used == 0


async def test_held_bodies_count_over_all_requests(tmp_path: Path) -> None:
    """While one request holds all there may be, another is not held but passes all the same."""
    release = asyncio.Event()
    strict = Strict()

    async def slow(reader: Reader, writer: Writer) -> None:
        if not proxy.broker.facts[1:]:
            await read_request(reader)
            await release.wait()
        await strict(reader, writer)

    async with rig(tmp_path, slow) as proxy:
        reconsider(proxy)
        proxy.configure(body_memory=1_250_000)
        first, second = await proxy.secure(), await proxy.secure()
        await first.send(post(b"x" * 1_000_000))
        await until(lambda: proxy.memory_used == 1_000_000)
        await second.send(post(b"y" * 1_000_000))
        assert (await second.response())[0] == 401
        assert proxy.memory_used == 1_000_000
        first.abort()
        await until(lambda: proxy.memory_used == 0)
        release.set()


async def test_an_answer_that_streams_holds_nothing(tmp_path: Path) -> None:
    """Once the response is on its way the body is forgotten, however long that lasts."""

    async def stream(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await asyncio.sleep(5)

    async with rig(tmp_path, stream) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"x" * 200_000))
        await client.head()
        assert await client.exactly(6) == b"1\r\nx\r\n"
        assert proxy.proxy.streams == 1
        assert proxy.memory_used == 0


# --- refusals in the middle of an upload ------------------------------------------------------


@dataclass
class Hasty:
    """Refuses the old credential at the head, without reading the body."""

    seen: list[tuple[bytes, bytes]] = field(default_factory=list)
    refused: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if OLD in head:
            writer.write(REFUSAL)
            await writer.drain()
            self.refused.set()
            await asyncio.sleep(5)
        size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(size)
        self.seen.append((head, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()


async def test_an_upload_goes_on_to_the_second_attempt(tmp_path: Path) -> None:
    """Refused while half of it is there: held bytes first, then what the client still sends."""
    hasty = Hasty()
    async with rig(tmp_path, hasty) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        body = bytes(range(256)) * 4096
        await client.send(request(b"/", b"POST", b"Content-Length: %d\r\n" % len(body)))
        await client.send(body[:300_000])
        await asyncio.wait_for(hasty.refused.wait(), 5)
        await client.send(body[300_000:])
        status, _, answer = await client.response()
        assert (status, answer) == (200, b"ok")
        ((_, got),) = hasty.seen
        assert got == body


async def test_an_upload_that_no_upstream_reads(tmp_path: Path) -> None:
    """Refused with the socket full: it is sent again, cut nowhere."""
    hasty = Hasty()
    async with rig(tmp_path, hasty) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        body = bytes(range(256)) * 16 * KIB
        await client.send(post(body))
        status, _, answer = await client.response()
        assert (status, answer) == (200, b"ok")
        assert hasty.seen[0][1] == body


async def test_permission_to_continue_comes_from_the_second_attempt(tmp_path: Path) -> None:
    """Refused instead of 100: the client hears nothing of it, and sends its body once."""
    seen: list[bytes] = []

    async def polite(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        if OLD in head:
            writer.write(REFUSAL)
            await asyncio.sleep(5)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)
        await asyncio.sleep(5)

    async with rig(tmp_path, polite) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"", b"Expect: 100-continue\r\n").replace(b": 0\r\n", b": 4\r\n"))
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        await client.send(b"body")
        assert (await client.response())[2] == b"body"
        assert [b"Expect: 100-continue" in head for head in seen] == [True, True]


async def test_permission_is_not_asked_for_twice(tmp_path: Path) -> None:
    """Refused after 100 and body: the second attempt brings the body with it."""
    strict = Strict()

    async def polite(reader: Reader, writer: Writer) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"Expect" in head:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(4)
            strict.seen.append((head, body))
            allowed = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            writer.write(allowed if NEW in head else REFUSAL)
            await writer.drain()

    async with rig(tmp_path, polite) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"", b"Expect: 100-continue\r\n").replace(b": 0\r\n", b": 4\r\n"))
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        await client.send(b"body")
        assert (await client.response())[0] == 200
        assert [b"Expect" in head for head, _ in strict.seen] == [True, False]


# --- ends in the middle -----------------------------------------------------------------------


def waiting(proxy: Rig, then: Callable[[], Awaitable[object]]) -> asyncio.Event:
    """Let the broker do `then` while it reconsiders; set when it has begun."""
    asked = asyncio.Event()
    answer = proxy.broker.reconsider

    async def slowly(
        decision: Decision, loan: Loan | None, response: ResponseFacts
    ) -> Decision | None:
        asked.set()
        await then()
        return await answer(decision, loan, response)

    proxy.broker.reconsider = slowly  # type: ignore[method-assign]
    return asked


async def test_a_client_that_leaves_while_the_broker_reconsiders(tmp_path: Path) -> None:
    """Nothing is sent a second time for nobody, and one record says so."""
    strict, go = Strict(), asyncio.Event()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(post(b"body"))
        await asyncio.wait_for(asked.wait(), 5)
        client.abort()
        for _ in range(20):
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        go.set()
        (record,) = await proxy.broker.wait_records(1)
        assert record.reason == "client left"
        assert len(strict.seen) == 1
        assert proxy.memory_used == 0
        await until(lambda: proxy.proxy.connections == 0)


async def test_a_client_that_leaves_in_the_second_upload(tmp_path: Path) -> None:
    """The second upstream never takes the half for a whole."""
    hasty, go = Hasty(), asyncio.Event()
    async with rig(tmp_path, hasty) as proxy:
        reconsider(proxy)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Content-Length: 10\r\n") + b"abc")
        await asyncio.wait_for(asked.wait(), 5)
        go.set()
        await until(lambda: proxy.broker.responses != [])
        client.abort()
        (record,) = await proxy.broker.wait_records(1)
        assert record.reason == "client left"
        assert not hasty.seen
        assert proxy.memory_used == 0


async def test_a_chunk_that_breaks_while_the_broker_reconsiders(tmp_path: Path) -> None:
    """What was malformed is never taken up again: the refusal passes and the client is closed."""
    go = asyncio.Event()
    seen: list[bytes] = []

    async def refuse(reader: Reader, writer: Writer) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(REFUSAL)
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            await reader.read()

    async with rig(tmp_path, refuse) as proxy:
        reconsider(proxy)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
        await asyncio.wait_for(asked.wait(), 5)
        await client.send(b"3\r\nabcXX")
        await asyncio.sleep(0.05)
        go.set()
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 401 No\r\n")
        assert answer.endswith(b"stale")
        assert len(seen) == 1


async def test_an_upload_that_outgrows_its_place_while_the_broker_reconsiders(
    tmp_path: Path,
) -> None:
    """It can't be sent again any more: the refusal passes as it came."""
    go, outgrown = asyncio.Event(), asyncio.Event()

    async def refuse(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert OLD in head
        writer.write(REFUSAL)
        await writer.drain()
        await reader.readexactly(200_000)
        outgrown.set()
        await reader.read(-1)

    async with rig(tmp_path, refuse) as proxy:
        reconsider(proxy)
        proxy.configure(replay_limit=100_000)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
        await asyncio.wait_for(asked.wait(), 5)
        await client.send(b"30d40\r\n" + b"x" * 200_000)
        await asyncio.wait_for(outgrown.wait(), 5)
        assert proxy.memory_used == 0
        go.set()
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 401 No\r\n")
        assert b"Connection: close\r\n" in answer
        assert answer.endswith(b"stale")


async def test_a_second_attempt_that_fails(tmp_path: Path) -> None:
    """The upstream breaks off under it: 502, since nobody knows what became of the request."""

    async def fragile(reader: Reader, writer: Writer) -> None:
        while True:
            head, _ = await read_request(reader)
            if NEW in head:
                return
            writer.write(REFUSAL)

    async with rig(tmp_path, fragile) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"body"))
        status, head, _ = await client.response()
        assert status == 502
        assert b"X-Vault-Proxy-Error: upstream_unreachable" in head
        (record,) = await proxy.broker.wait_records(1)
        assert (record.error_code, record.retries) == ("upstream_unreachable", 1)


async def test_a_refusal_without_an_end_is_set_aside(tmp_path: Path) -> None:
    """A body that is still to come is not waited for: its connection is closed, not reused."""
    strict = Strict(refusal=b"HTTP/1.1 429 Slow\r\nContent-Length: 1000\r\n\r\npart")
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"body"))
        assert (await client.response())[0] == 200
        assert strict.connections == 2


# --- with placeholders in the body ------------------------------------------------------------


async def _substituted(proxy: Rig, client: Client, body: bytes) -> int:
    def injection(value: bytes, header: bytes) -> Injection:
        item = SecretSubstitution(b"__key__", value, frozenset({Surface.BODY}))
        return Injection(((b"Authorization", header),), (item,))

    proxy.broker.injection = injection(b"old", OLD)
    proxy.broker.second = injection(b"newer", NEW)
    await client.send(post(body, b"Content-Type: text/plain\r\n"))
    return (await client.response())[0]


async def test_a_substituted_body_is_prepared_anew(tmp_path: Path) -> None:
    """The second attempt has the new value in its body, and the length that goes with it."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        filler = b"x" * 300_000
        assert await _substituted(proxy, client, b"k=__key__" + filler) == 200
        assert [body for _, body in strict.seen] == [b"k=old" + filler, b"k=newer" + filler]
        assert proxy.memory_used == 0


async def test_a_substituted_body_that_is_too_large_to_hold_twice(tmp_path: Path) -> None:
    """Its original is not kept, so the refusal passes."""
    strict = Strict()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        proxy.configure(replay_limit=1000)
        client = await proxy.secure()
        assert await _substituted(proxy, client, b"k=__key__" + b"x" * 1000) == 401
        assert [facts.repeatable for facts in proxy.broker.responses] == [False]
        assert proxy.memory_used == 0


# --- all at once ------------------------------------------------------------------------------


async def _one_of_many(proxy: Rig, chance: random.Random) -> None:
    """A POST of some size and framing, cut anywhere; some clients leave in the middle."""
    client = await proxy.secure()
    body = b"x" * chance.choice([0, 10, 5_000, 150_000, 700_000])
    if chance.random() < 0.5:
        wire = post(body)
    else:
        pieces = [body[at : at + 10_000] for at in range(0, len(body), 10_000)]
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        wire = request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n") + chunks + b"0\r\n\r\n"
    end = len(wire) if chance.random() < 0.7 else chance.randrange(1, len(wire))
    with contextlib.suppress(ConnectionError):
        for at in range(0, end, 60_000):
            await client.send(wire[at : min(end, at + 60_000)])
        if end < len(wire):
            client.abort()
            return
        status, _, _ = await client.response()
        # Some are refused for good: not everything fits into the memory that there is.
        assert status in (200, 401)


async def test_many_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    """Sizes, framings and aborts at random: no memory, connection or task is left."""
    async with rig(tmp_path, Strict()) as proxy:
        reconsider(proxy)
        proxy.configure(body_memory=3_000_000, replay_limit=600_000)
        chances = [random.Random(seed) for seed in range(80)]
        for batch in range(0, 80, 20):
            some = chances[batch : batch + 20]
            await asyncio.gather(*(_one_of_many(proxy, chance) for chance in some))
        for client in proxy.clients:
            client.abort()
        await until(lambda: proxy.proxy.connections == 0)
        assert proxy.memory_used == 0
        assert proxy.proxy.streams == 0
        ids = {record.request_id for record in proxy.broker.records}
        assert len(ids) == len(proxy.broker.records) == len(proxy.broker.facts)
