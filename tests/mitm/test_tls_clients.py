"""Clients that speak TLS to the proxy's own port: requests, gateways, and tunnels inside it."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.doorway import is_this_machine
from tests.mitm.rig import (
    AUTH,
    HOST,
    Client,
    Echo,
    Rig,
    absolute,
    authority,
    client_tls,
    request,
    rig,
    upstream_tls,
)

PORT_NAME = "vault.test"
CONNECT = b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n" + AUTH + b"\r\n"


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Rig]:
    """A proxy whose port has a certificate."""
    config = ProxyConfig(tls=upstream_tls(PORT_NAME), allow_unreadable=True)
    async with rig(tmp_path, Echo(), config=config) as built:
        yield built


def trusting() -> ssl.SSLContext:
    """A client that trusts whoever signed the port's certificate."""
    return ssl.create_default_context(cadata=authority().cert_pem.bytes().decode())


async def connect(built: Rig) -> Client:
    """A connection to the port, encrypted."""
    client = await built.plain()
    await client.writer.start_tls(trusting(), server_hostname=PORT_NAME)
    return client


async def inner_tls(client: Client, work: bytes) -> bytes:
    """TLS for the host inside the client's: send `work`, return the answer with its length."""
    tls = _Inner(client)
    await tls.handshake()
    await tls.send(work)
    return await tls.answer()


class _Inner:
    """TLS in memory, over a connection that is itself TLS."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._received, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = client_tls().wrap_bio(self._received, self._out, server_hostname=HOST)

    async def _step(self, call: object) -> object:
        while True:
            try:
                done = call()  # type: ignore[operator]  # a bound method
            except ssl.SSLWantReadError:
                await self._flush()
                async with asyncio.timeout(30):
                    data = await self._client.reader.read(65536)
                if not data:
                    self._received.write_eof()
                self._received.write(data)
            else:
                await self._flush()
                return done

    async def _flush(self) -> None:
        await self._client.send(self._out.read())

    async def handshake(self) -> None:
        await self._step(self._tls.do_handshake)

    async def send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            sent = await self._step(partial(self._tls.write, rest))
            rest = rest[sent:]  # type: ignore[misc]  # an int

    async def answer(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await self._step(lambda: self._tls.read(65536))  # type: ignore[operator]  # bytes
        head, _, body = data.partition(b"\r\n\r\n")
        size = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        )
        while len(body) < size:
            body += await self._step(lambda: self._tls.read(65536))  # type: ignore[operator]  # bytes
        return body


async def test_requests_under_tls(tmp_path: Path) -> None:
    """Absolute-form requests go as they do without it, one after another."""
    config = ProxyConfig(tls=upstream_tls(PORT_NAME))
    async with rig(tmp_path, Echo(), tls=False, config=config) as built:
        client = await connect(built)
        for path in (b"/1", b"/2", b"/3"):
            await client.send(absolute(path))
            status, _, body = await client.response()
            assert (status, body[:6]) == (200, b"GET " + path)


async def test_a_tunnel_under_tls(secured: Rig) -> None:
    """CONNECT inside, then TLS for the host inside that: the credential is attached."""
    client = await connect(secured)
    await client.send(CONNECT)
    assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    body = await inner_tls(client, request(b"/nested"))
    assert body.startswith(b"GET /nested HTTP/1.1\r\n")
    (record,) = await secured.broker.wait_records(1)
    assert (record.status, record.path) == (200, "/nested")


async def test_much_in_both_directions(secured: Rig) -> None:
    """More than any buffer between holds, and not a byte is lost."""
    client = await connect(secured)
    await client.send(CONNECT)
    await client.head()
    tls = _Inner(client)
    await tls.handshake()
    payload = os.urandom(3 * 1024 * 1024).hex().encode()
    head = b"POST /big HTTP/1.1\r\nHost: api.test\r\nContent-Length: %d\r\n\r\n" % len(payload)
    await tls.send(head + payload)
    assert (await tls.answer()).startswith(b"POST /big ")


async def test_a_refused_tunnel_goes_on(secured: Rig) -> None:
    """407 to a CONNECT without a token; the same connection may try again."""
    client = await connect(secured)
    await client.send(CONNECT.replace(AUTH, b""))
    status, *_ = await client.response()
    assert status == 407
    await client.send(CONNECT)
    assert (await client.head()).startswith(b"HTTP/1.1 200 ")
    assert (await inner_tls(client, request(b"/again"))).startswith(b"GET /again ")


async def test_a_client_that_leaves(secured: Rig) -> None:
    """In the middle of a tunnel: nothing of it stays."""
    client = await connect(secured)
    await client.send(CONNECT)
    await client.head()
    client.abort()
    await asyncio.wait_for(asyncio.wait(list(secured.proxy._serving)), 30)
    assert secured.proxy.connections == 0


async def test_stopping_ends_tunnels(secured: Rig) -> None:
    """A tunnel that waits for its next request is closed, and the client sees the end."""
    client = await connect(secured)
    await client.send(CONNECT)
    await client.head()
    await inner_tls(client, request())
    await secured.proxy.stop(1)
    with contextlib.suppress(ConnectionError):
        await client.rest()
    assert secured.proxy.connections == 0


async def test_programs_of_this_machine_need_no_tls(secured: Rig) -> None:
    """What `run` gives them is an http:// proxy."""
    client = await secured.secure()
    await client.send(request(b"/plain"))
    status, _, body = await client.response()
    assert (status, body[:10]) == (200, b"GET /plain")


async def test_a_network_client_needs_tls(tmp_path: Path) -> None:
    """From another address a plain request is told so, and its connection ends."""
    config = ProxyConfig(tls=upstream_tls(PORT_NAME))
    async with rig(tmp_path, Echo(), config=config) as built:
        left, right = socket.socketpair()
        built.proxy._welcome(built.proxy._hub, left, "192.0.2.7")  # type: ignore[arg-type]  # it has started
        client = Client(*await asyncio.open_connection(sock=right))
        await client.send(absolute())
        status, _, body = await client.response()
        assert (status, b"speaks TLS" in body) == (400, True)
        assert await client.rest() == b""
        assert not built.broker.facts


async def test_who_says_nothing(tmp_path: Path) -> None:
    """A client that begins with nothing is let go in time."""
    config = ProxyConfig(tls=upstream_tls(PORT_NAME), client_idle=0.05)
    async with rig(tmp_path, Echo(), config=config) as built:
        client = await built.plain()
        with contextlib.suppress(ConnectionError):
            assert await client.rest() == b""


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.5", False),
        ("::ffff:192.168.1.5", False),
        ("fe80::1%eth0", False),
        ("", False),
    ],
)
def test_this_machine(address: str, here: bool) -> None:
    """Loopback alone, in each spelling that a socket tells."""
    assert is_this_machine(address) is here
