"""A refused request is sent once more with another credential, or its refusal passes as it came."""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    Injection,
    SecretSubstitution,
)
from proxy_core.domain.service import Surface
from tests.mitm.replaying import (
    KIB,
    NEW,
    OLD,
    Reader,
    Strict,
    Writer,
    post,
    reconsider,
)
from tests.mitm.rig import Client, Rig, read_request, request, rig, until


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
        await asyncio.sleep(60)

    async with rig(tmp_path, stream) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"x" * 200_000))
        await client.head()
        assert await client.exactly(6) == b"1\r\nx\r\n"
        assert proxy.proxy.streams == 1
        assert proxy.memory_used == 0


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
