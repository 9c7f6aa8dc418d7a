"""Placeholders in WebSocket text frames, between a real client and a real server."""

import asyncio
import base64
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from proxy_core.mitm.websocket_frames import MAX_TEXT, text_frame
from tests.mitm.rig import AUTH, HOST, Rig, client_tls, read_request, request, rig, upstream_tls

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
VALUE = b'se"cret'


def substitute(proxy: Rig, value: bytes = VALUE, surface: Surface = Surface.WEBSOCKET) -> None:
    """Let `__key__` stand for the value."""
    item = SecretSubstitution(b"__key__", value, frozenset({surface}))
    proxy.broker.injection = Injection(substitutions=(item,))


async def _echo(connection: ServerConnection) -> None:
    """Answers with what it got, after the extensions that were offered."""
    offered = connection.request.headers.get("Sec-WebSocket-Extensions", "none")
    await connection.send(offered)
    async for message in connection:
        await connection.send(message)


async def _never(_reader: Reader, _writer: Writer) -> None:
    raise AssertionError("the upstream of the rig is not used")


@asynccontextmanager
async def websocket(tmp_path: Path) -> AsyncIterator[tuple[Rig, "Dial"]]:
    """A proxy whose every upstream is one WebSocket server that echoes."""
    async with serve(_echo, "127.0.0.1", 0, ssl=upstream_tls(HOST), max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with rig(tmp_path, _never, connect_to=f"::127.0.0.1:{port}") as proxy:
            yield proxy, Dial(proxy)


class Dial:
    """Clients of a WebSocket at the proxy's other side."""

    def __init__(self, proxy: Rig) -> None:
        self._proxy = proxy

    async def tunnel(self) -> socket.socket:
        """A CONNECT that was accepted, as a plain socket."""
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", self._proxy.port))
        target = f"{HOST}:443".encode()
        await loop.sock_sendall(
            sock, b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, AUTH)
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await loop.sock_recv(sock, 1024)
        assert head.startswith(b"HTTP/1.1 200 ")
        return sock

    async def client(self) -> ClientConnection:
        """Connected, with the extensions that reached the server told first."""
        return await connect(
            f"wss://{HOST}/ws",
            sock=await self.tunnel(),
            ssl=client_tls(),
            server_hostname=HOST,
            max_size=None,
        )


async def said(client: ClientConnection) -> str | bytes:
    """The next message."""
    async with asyncio.timeout(30):
        return await client.recv()


async def test_texts_hold_the_value_upstream(tmp_path: Path) -> None:
    """JSON is escaped, other text is not; what holds no placeholder comes back unchanged."""
    async with websocket(tmp_path) as (proxy, dial):
        substitute(proxy)
        async with await dial.client() as client:
            assert await said(client) == "none"
            for sent, received in (
                ('{"token": "__key__", "op": 2}', '{"token": "se\\"cret", "op": 2}'),
                ("AUTH __key__", 'AUTH se"cret'),
                ("h\u00e9llo", "h\u00e9llo"),
                ("", ""),
            ):
                await client.send(sent)
                assert await said(client) == received
            await (await client.ping())
        (record,) = await proxy.broker.wait_records(1)
        assert (record.websocket, record.status, record.error_code) == (True, 101, "")


async def test_large_texts(tmp_path: Path) -> None:
    """A megabyte is rewritten, whatever pieces it comes in; more passes as it is."""
    async with websocket(tmp_path) as (proxy, dial):
        substitute(proxy)
        async with await dial.client() as client:
            await said(client)
            filler = "x" * (MAX_TEXT - 7)
            await client.send(filler + "__key__")
            assert await said(client) == filler + VALUE.decode()
            await client.send(filler + "x__key__")
            assert await said(client) == filler + "x__key__"


async def test_what_is_no_whole_text_passes(tmp_path: Path) -> None:
    """Binary messages and fragments keep their placeholders."""
    async with websocket(tmp_path) as (proxy, dial):
        substitute(proxy)
        async with await dial.client() as client:
            await said(client)
            await client.send(b"__key__")
            assert await said(client) == b"__key__"
            await client.send(["a __key__ ", "b __key__"])
            assert await said(client) == "a __key__ b __key__"
            await client.send("__key__")
            assert await said(client) == VALUE.decode()


async def test_without_the_surface_extensions_stay(tmp_path: Path) -> None:
    """Only where frames have to be readable is compression taken out of the handshake."""
    async with websocket(tmp_path) as (proxy, dial):
        substitute(proxy, surface=Surface.QUERY)
        async with await dial.client() as client:
            assert "permessage-deflate" in str(await said(client))
            await client.send("__key__")
            assert await said(client) == "__key__"


async def test_a_value_that_can_not_stand_in_a_frame(tmp_path: Path) -> None:
    """The connection breaks before anything of the frame is sent, and the record says why."""
    async with websocket(tmp_path) as (proxy, dial):
        substitute(proxy, b"a\r\nb")
        client = await dial.client()
        await said(client)
        await client.send(json.dumps({"k": "__key__"}))
        assert json.loads(str(await said(client))) == {"k": "a\r\nb"}
        await client.send("AUTH __key__")
        with pytest.raises(ConnectionClosed):
            await said(client)
        (record,) = await proxy.broker.wait_records(1)
        assert record.error_code == "substitution_invalid"
        assert "a\r\nb" not in repr(record)


async def test_frames_that_come_with_the_handshake(tmp_path: Path) -> None:
    """A client that doesn't wait for the 101 has its first frame read as well."""
    received = asyncio.Queue[bytes]()
    key = base64.b64encode(b"0123456789abcdef")
    guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key + guid).digest())

    async def server(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        switch = b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        writer.write(switch + b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept)
        while data := await reader.read(1000):
            received.put_nowait(data)

    async with rig(tmp_path, server) as proxy:
        substitute(proxy, b"v")
        client = await proxy.secure()
        extra = (
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: %b\r\n" % key
        )
        await client.send(request(b"/ws", extra=extra) + text_frame(b"__key__", b"\0" * 4))
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        frame = await asyncio.wait_for(received.get(), 30)
        assert frame == text_frame(b"v", frame[2:6])
