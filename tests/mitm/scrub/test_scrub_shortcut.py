"""Scrubbing of small requests that are repeated on kept connections, which go a shorter way."""

from pathlib import Path

import pytest

from tests.mitm.rig import Client, request
from tests.mitm.scrub.oracle import spellings
from tests.mitm.scrub.test_scrub_exchange import (
    CLEAN,
    CODINGS,
    DIGESTS,
    TEXT,
    TOKEN,
    UNREADABLE,
    Answering,
    ask,
    scrubbing,
    with_length,
)

PLAIN = with_length(b'{"no": "secret"}', b"X-Kept: 1\r\n" + DIGESTS)


async def warm(client: Client, message: bytes) -> None:
    """Have the connections kept, and the request known."""
    for _ in range(2):
        assert (await ask(client, message))[1] == b'{"no": "secret"}'


@pytest.mark.parametrize("kind", spellings(TOKEN))
async def test_every_spelling_is_found(tmp_path: Path, kind: str) -> None:
    """In the body and in the head; the next response without one passes whole."""
    written = spellings(TOKEN)[kind]
    echo = with_length(b"<" + written + b">", b"X-Echo: " + written + b"\r\n")
    handler = Answering(PLAIN, PLAIN, echo, PLAIN)
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        await warm(client, request())
        head, body, _ = await ask(client)
        assert body == b"<__KEY__>"
        assert b"X-Echo: __KEY__\r\n" in head
        assert written not in head
        head, body, _ = await ask(client)
        assert body == b'{"no": "secret"}'
        assert b"X-Kept: 1\r\n" + DIGESTS in head
        assert handler.connections == 1
        records = await proxy.broker.wait_records(4)
        assert [record.status for record in records] == [200] * 4


@pytest.mark.parametrize("coding", [coding for coding in CODINGS if coding != "identity"])
async def test_every_coding_is_taken_off(tmp_path: Path, coding: str) -> None:
    """What can't be read as it came goes the long way."""
    coded = with_length(CODINGS[coding](TEXT), b"content-Encoding: %b\r\n" % coding.encode())
    async with scrubbing(tmp_path, Answering(PLAIN, PLAIN, coded)) as proxy:
        client = await proxy.secure()
        await warm(client, request(extra=b"Accept-Encoding: gzip,deflate\r\n"))
        head, body, _ = await ask(client, request(extra=b"Accept-Encoding: gzip,deflate\r\n"))
        assert body == CLEAN
        assert b"ncoding" not in head


async def test_nothing_of_ranges_passes(tmp_path: Path) -> None:
    """Neither asked for nor offered, and a part that comes all the same is refused."""
    offer = with_length(b'{"no": "secret"}', b"accept-ranges: bytes\r\n")
    handler = Answering(offer, offer, offer, UNREADABLE["a part"])
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        ranged = request(extra=b"Range: bytes=0-5\r\n")
        await warm(client, ranged)
        head, _, _ = await ask(client, ranged)
        assert b"ranges" not in head
        assert all(b"Range" not in seen for seen in handler.seen)
        head, _, _ = await ask(client, ranged)
        assert head.startswith(b"HTTP/1.1 502 ")
