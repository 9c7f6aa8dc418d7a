"""What ends at this hop and what the matched target decides, seen from both sides of the wire."""

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.mitm.rig import (
    SECRET,
    Echo,
    absolute,
    authority,
    client_tls,
    read_request,
    request,
    rig,
)

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
HOST_FIELD = b"\r\nHost: api.test\r\n"


@pytest.mark.parametrize("foreign", [b"evil.example", b"api.test.evil.example", b"127.0.0.1:1"])
async def test_the_matched_target_is_the_forwarded_host(tmp_path: Path, foreign: bytes) -> None:
    """A Host that differs from the absolute target, or from the tunnel's host, goes nowhere."""
    echo = Echo()
    async with rig(tmp_path, echo, tls=False) as proxy:
        client = await proxy.plain()
        await client.send(absolute().replace(HOST_FIELD, b"\r\nHost: %b\r\n" % foreign))
        status, _, seen = await client.response()
        assert (status, HOST_FIELD in seen, foreign in seen) == (200, True, False)
        client = await proxy.tunnel("api.test", 80)
        await client.send(request().replace(HOST_FIELD, b"\r\nHost: %b\r\n" % foreign))
        status, _, seen = await client.response()
        assert (status, HOST_FIELD in seen, foreign in seen) == (200, True, False)
        assert {facts.host for facts in proxy.broker.facts} == {"api.test"}


async def test_no_request_changes_to_http_2(tmp_path: Path) -> None:
    """Upgrade to h2c is not passed on, nor is the preface of HTTP/2 taken for a request."""
    echo = Echo()
    extra = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        await client.send(request(extra=extra))
        status, _, seen = await client.response()
        assert status == 200
        assert not [name for name in (b"pgrade", b"h2c", b"HTTP2-S") if name in seen]
        await client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert len(echo.seen) == 1


@pytest.mark.parametrize("offered", [["h2"], ["h2", "http/1.1"], ["spdy/3"], ["x-evil"], []])
async def test_alpn_widens_nothing(tmp_path: Path, offered: list[str]) -> None:
    """Whatever a client offers, it speaks HTTP/1.1 with the host of its CONNECT."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client, tls = await proxy.tunnel(), client_tls()
        tls.set_alpn_protocols(offered)
        await client.writer.start_tls(tls, server_hostname="api.test")
        chosen = client.writer.get_extra_info("ssl_object").selected_alpn_protocol()
        assert chosen in ("http/1.1", None)
        await client.send(request())
        assert (await client.response())[0] == 200
        assert [(facts.host, facts.port) for facts in proxy.broker.facts] == [("api.test", 443)]
        assert HOST_FIELD in echo.seen[0][0]


async def test_an_upstream_of_http_2_alone_is_spoken_to_in_1_1(tmp_path: Path) -> None:
    """What it offers in ALPN is not taken up."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("api.test").configure_cert(tls)
    tls.set_alpn_protocols(["h2"])
    async with rig(tmp_path, Echo(), tls=tls) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert (await client.response())[2].startswith(b"GET / HTTP/1.1\r\n")


async def test_nominated_fields_end_here_both_ways(tmp_path: Path) -> None:
    """Connection takes its fields along; the injected one can't be taken, nor framing and Host."""
    seen: list[bytes] = []

    async def answer(reader: Reader, writer: Writer) -> None:
        seen.append((await read_request(reader))[0])
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close, X-Drop, Content-Length, Content-Type\r\n"
            b"Keep-Alive: 5\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\nX-Drop: down\r\n"
            b"X-Keep: down\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
        )

    nominated = b"Connection: X-Drop, authorization, Host, Content-Length, Proxy-Authorization\r\n"
    fields = (
        nominated + b"X-Drop: up\r\nX-Keep: up\r\nTE: trailers\r\nKeep-Alive: 5\r\nVia: 1.1 x\r\n"
    )
    async with rig(tmp_path, answer) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", fields + b"Content-Length: 2\r\n") + b"hi")
        status, head, body = await client.response()
    sent = [line.lower() for line in seen[0].split(b"\r\n")[1:-2]]
    expected = [
        b"host: api.test",
        b"x-keep: up",
        b"content-length: 2",
        b"authorization: " + SECRET.lower(),
    ]
    assert sorted(sent) == sorted(expected)
    assert (status, body) == (200, b"ok")
    got = head.lower().split(b"\r\n")[1:-2]
    assert sorted(got) == [b"content-length: 2", b"content-type: text/plain", b"x-keep: down"]


async def test_trailers_never_become_header_fields(tmp_path: Path) -> None:
    """They stay behind the body; those that would frame, route or authenticate are dropped."""
    seen: list[tuple[bytes, bytes]] = []
    trailers = (
        b"X-T: 1\r\nAuthorization: Bearer evil\r\nHost: evil\r\nContent-Length: 9\r\n"
        b"Transfer-Encoding: x\r\nSet-Cookie: a=b\r\nContent-Type: evil\r\n\r\n"
    )

    async def answer(reader: Reader, writer: Writer) -> None:
        seen.append(await read_request(reader))
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T, Set-Cookie\r\n\r\n"
        writer.write(head + b"2\r\nok\r\n0\r\n" + trailers)

    async with rig(tmp_path, answer) as proxy:
        client = await proxy.secure()
        chunked = (
            b"Transfer-Encoding: chunked\r\nTrailer: X-T, Authorization\r\nConnection: close\r\n"
        )
        await client.send(request(b"/", b"POST", chunked) + b"2\r\nhi\r\n0\r\n" + trailers)
        head, _, rest = (await client.rest()).partition(b"\r\n\r\n")
    (sent, body) = seen[0]
    for each, end in ((sent, body), (head, rest)):
        assert end.endswith(b"\r\n0\r\nX-T: 1\r\n\r\n")
        assert b"\r\nTrailer: X-T\r\n" in each + b"\r\n"
        assert not [word for word in (b"X-T: 1", b"evil", b"Set-Cookie:") if word in each]
