"""A refusal in the middle of an upload: the rest of it goes to the second attempt."""

import asyncio
from pathlib import Path

from tests.mitm.replaying import (
    KIB,
    NEW,
    OLD,
    REFUSAL,
    Hasty,
    Reader,
    Strict,
    Writer,
    post,
    reconsider,
)
from tests.mitm.rig import request, rig


async def test_an_upload_goes_on_to_the_second_attempt(tmp_path: Path) -> None:
    """Refused while half of it is there: held bytes first, then what the client still sends."""
    hasty = Hasty()
    async with rig(tmp_path, hasty) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        body = bytes(range(256)) * 4096
        await client.send(request(b"/", b"POST", b"Content-Length: %d\r\n" % len(body)))
        await client.send(body[:300_000])
        await asyncio.wait_for(hasty.refused.wait(), 30)
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
            await asyncio.sleep(60)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)
        await asyncio.sleep(60)

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
