"""Scrubbing on a new connection and on a kept one: one result, whichever way a response takes."""

from gzip import compress as gzip
from pathlib import Path

import pytest

from proxy_core.domain.exchange import Injection
from tests.mitm.rig import request, rig
from tests.mitm.scrub.oracle import in_base64, spellings
from tests.mitm.scrub.test_scrub_exchange import (
    INJECTION,
    TEXT,
    TOKEN,
    Answering,
    ask,
    scrubbing,
    with_length,
)

CLEAN = with_length(b"nothing to hide", b"Content-Type: text/plain\r\nETag: x\r\n")
KINDS = {**spellings(TOKEN), **in_base64(TOKEN, b"a", b"b")}
UNUSUAL = {
    "clean": CLEAN,
    "empty": with_length(b""),
    "coded": with_length(gzip(TEXT), b"Content-Encoding: gzip\r\nContent-MD5: x\r\n"),
    "coded, clean": with_length(gzip(b"clean"), b"content-encoding: gzip\r\nDigest: x\r\n"),
    "named as it is": with_length(TEXT, b"Content-Encoding: identity\r\n"),
    "ranges": with_length(b"clean", b"Accept-Ranges: bytes\r\n"),
    "digest": with_length(b"clean", b"Content-Digest: x\r\n"),
    "digest of a secret": with_length(TEXT, b"Content-Digest: x\r\n"),
    "in the reason": CLEAN.replace(b"OK", b"OK " + TOKEN),
    "in a name": with_length(b"clean", b"X-sk-live: 1\r\n"),
    "over an end": with_length(b"\r\n" + TOKEN[9:], b"X-A: " + TOKEN[:9] + b"\r\n"),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_no_spelling_gets_through(tmp_path: Path, kind: str) -> None:
    """A new connection's response, and those of a kept one, are scrubbed alike."""
    secret = KINDS[kind]
    field = b"X-Echo: a" + secret + b"\r\n"
    answers = with_length(b"<" + secret), with_length(secret, field), with_length(b"", field)
    async with scrubbing(tmp_path, Answering(CLEAN, *answers * 2)) as proxy:
        client = await proxy.secure()
        assert (await ask(client))[0] == CLEAN[: -len(b"nothing to hide")]
        seen = [await ask(client) for _ in range(6)]
    assert seen[:3] == seen[3:]
    assert all(secret not in head + body for head, body, _ in seen)


@pytest.mark.parametrize("kind", UNUSUAL)
async def test_the_short_way_ends_like_the_long_one(tmp_path: Path, kind: str) -> None:
    """The first response comes the long way, the others could come the short one."""
    handler = Answering(*[UNUSUAL[kind]] * 3)
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        first, *others = [await ask(client) for _ in range(3)]
        records = await proxy.broker.wait_records(3)
    assert others == [first, first]
    assert TOKEN not in b"".join(first)
    assert handler.connections == 1
    assert {(record.status, record.bytes_down) for record in records} == {
        (200, records[0].bytes_down)
    }


async def test_what_is_asked_can_be_read(tmp_path: Path) -> None:
    """Each request asks for codings that can be taken off, and for no part, repeated or not."""
    handler = Answering(*[CLEAN] * 4)
    fields = b"Accept-Encoding: gzip, compress\r\nRange: bytes=0-4\r\n"
    async with scrubbing(tmp_path, handler) as proxy:
        client = await proxy.secure()
        for _ in range(4):
            assert (await ask(client, request(extra=fields)))[1] == b"nothing to hide"
    assert len(set(handler.seen)) == 1
    assert b"Accept-Encoding: gzip\r\n" in handler.seen[0]
    assert b"Range" not in handler.seen[0]


async def test_a_part_that_nobody_asked_for(tmp_path: Path) -> None:
    """It is refused on the short way as well."""
    part = CLEAN.replace(b"200 OK", b"206 Partial Content")
    async with scrubbing(tmp_path, Answering(CLEAN, CLEAN, part)) as proxy:
        client = await proxy.secure()
        for _ in range(2):
            await ask(client)
        head, _, _ = await ask(client)
        assert b"X-Vault-Proxy-Error: response_unreadable" in head


async def test_scrubbing_that_begins_or_ends_meanwhile(tmp_path: Path) -> None:
    """What is in force counts for each request, however alike they are."""
    handler = Answering(*[with_length(TEXT)] * 6)
    fields = b"Accept-Encoding: compress\r\n"
    async with rig(tmp_path, handler) as proxy:
        client = await proxy.secure()
        bodies = []
        for scrub in (None, None, INJECTION.scrub, INJECTION.scrub, None, None):
            proxy.broker.injection = Injection(INJECTION.headers, scrub=scrub)
            bodies.append((await ask(client, request(extra=fields)))[1])
    clean = TEXT.replace(TOKEN, b"__KEY__")
    assert bodies == [TEXT, TEXT, clean, clean, TEXT, TEXT]
    assert [b"compress" in head for head in handler.seen] == [True, True, False, False, True, True]
