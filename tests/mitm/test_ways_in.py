"""The ways in: CONNECT with TLS or plain HTTP inside, absolute targets, and what is refused."""

import asyncio
import ssl
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from tests.mitm.rig import (
    AUTH,
    HOST,
    SECRET,
    Echo,
    absolute,
    client_tls,
    request,
    rig,
)


async def test_tls_in_a_tunnel_gets_the_credential(tmp_path: Path) -> None:
    """A request inside TLS inside CONNECT reaches the upstream once, with the injected header."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/a?b=c", extra=b"Authorization: mine\r\nX-A: 1\r\n"))
        status, _, body = await client.response()
        assert status == 200
        assert body.count(SECRET) == 1
        assert b"mine" not in body
        assert body.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: api.test\r\n")
        assert proxy.broker.facts[0].query == "b=c"
        (record,) = await proxy.broker.wait_records(1)
        assert (record.status, record.path, record.decision) == (200, "/a", "injected")
        assert (record.scheme, record.host, record.port) == ("https", HOST, 443)
        assert record.injected_headers == ("Authorization",)
        assert record.tls_ms > 0
        assert len(proxy.broker.starts) == 1


async def test_plain_http_in_a_tunnel(tmp_path: Path) -> None:
    """What does not begin with a TLS record inside CONNECT is served as http."""
    async with rig(tmp_path, Echo(), tls=False) as proxy:
        client = await proxy.tunnel(port=80)
        await client.send(request(b"/x"))
        status, _, body = await client.response()
        assert status == 200
        assert body.startswith(b"GET /x HTTP/1.1\r\nHost: api.test\r\n")
        assert proxy.broker.facts[0].scheme == "http"


async def test_absolute_form(tmp_path: Path) -> None:
    """An absolute http target is forwarded in origin form, without proxy fields."""
    async with rig(tmp_path, Echo(), tls=False) as proxy:
        client = await proxy.plain()
        for path in (b"/one", b"/two"):
            await client.send(absolute(path, extra=b"Proxy-Connection: keep-alive\r\n"))
            status, _, body = await client.response()
            assert status == 200
            assert body.startswith(b"GET %b HTTP/1.1\r\nHost: api.test\r\n" % path)
            assert b"roxy-" not in body
        assert [record.ingress for record in proxy.broker.records] == ["absolute"] * 2


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"GET https://api.test/ HTTP/1.1\r\nHost: api.test\r\n%b\r\n" % AUTH, b"CONNECT"),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"HTTPS_PROXY"),
        (b"GET ftp://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", b"scheme"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"not HTTP"),
        (b"CONNECT api.test HTTP/1.1\r\nHost: api.test\r\n\r\n", b"host:port"),
    ],
)
async def test_what_is_no_proxy_request(tmp_path: Path, data: bytes, hint: bytes) -> None:
    """A target that is none for a forward proxy is answered 400 with a sentence that helps."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.plain()
        await client.send(data)
        status, _, body = await client.response()
        assert status == 400
        assert hint in body


async def test_client_hello_in_the_packet_of_connect(tmp_path: Path) -> None:
    """Bytes behind CONNECT's head belong to the tunnel and are not lost."""
    async with rig(tmp_path, Echo()) as proxy:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_tls().wrap_bio(incoming, outgoing, server_hostname=HOST)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        client = await proxy.plain()
        head = b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n%b\r\n" % AUTH
        await client.send(head + outgoing.read())
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                incoming.write(await asyncio.wait_for(client.reader.read(65536), 30))
        tls.write(request(b"/early"))
        await client.send(outgoing.read())
        answer = b""
        while b"/early" not in answer:
            incoming.write(await asyncio.wait_for(client.reader.read(65536), 30))
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                continue
        assert answer.startswith(b"HTTP/1.1 200")


async def test_connect_byte_by_byte(tmp_path: Path) -> None:
    """A CONNECT that drips in is understood, and TLS follows it."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.plain()
        head = b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n%b\r\n" % AUTH
        for index in range(len(head)):
            await client.send(head[index : index + 1])
            await asyncio.sleep(0)
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        await client.start_tls()
        await client.send(request())
        assert (await client.response())[0] == 200


async def test_no_token_is_407_and_the_connection_stays(tmp_path: Path) -> None:
    """CONNECT without a token is challenged; the same connection may then give one."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.plain()
        await client.send(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n")
        status, head, body = await client.response()
        assert status == 407
        assert b'Proxy-Authenticate: Basic realm="vault-tui"\r\n' in head
        assert b"X-Vault-Proxy-Error: proxy_auth_required\r\n" in head
        assert b'"code": "proxy_auth_required"' in body
        await client.send(b"CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\n%b\r\n" % AUTH)
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        (record,) = proxy.broker.records
        assert (record.vault, record.method, record.host) == ("", "CONNECT", HOST)
        assert (record.status, record.error_code) == (407, "proxy_auth_required")


async def test_sealed_is_said_on_connect(tmp_path: Path) -> None:
    """No leaf can be signed while sealed: CONNECT itself is answered 503 with Retry-After."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.mint.forget()
        client = await proxy.plain()
        await client.send(b"CONNECT api.test:443 HTTP/1.1\r\nHost: a\r\n%b\r\n" % AUTH)
        status, head, _ = await client.response()
        assert status == 503
        assert b"X-Vault-Proxy-Error: sealed\r\n" in head
        assert b"Retry-After: " in head


async def test_refusals_are_given_inside_the_tunnel(tmp_path: Path) -> None:
    """Policy's no arrives as an HTTP answer inside TLS, and the tunnel lives on."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        proxy.broker.refusal = VaultError(
            "forbidden", "no service", {"proposal_hint": {"host": HOST}}
        )
        client = await proxy.secure()
        await client.send(request(b"/no", b"POST", b"Content-Length: 2\r\n") + b"hi")
        status, head, body = await client.response()
        assert status == 403
        assert b"application/problem+json" in head
        assert b"X-Agent-Vault-Proxy-Error: true\r\n" in head
        assert b"x-should-retry: false\r\n" in head
        assert b'"proposal_hint"' in body
        proxy.broker.refusal = None
        await client.send(request(b"/yes"))
        assert (await client.response())[0] == 200
        denied, served = await proxy.broker.wait_records(2)
        assert (denied.decision, denied.error_code) == ("denied", "forbidden")
        assert (served.decision, served.error_code) == ("injected", "")
        assert len(echo.seen) == 1


async def test_head_is_refused_without_a_body(tmp_path: Path) -> None:
    """An own answer to HEAD has no body, so the next request is read where it begins."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.refusal = VaultError("forbidden", "no")
        client = await proxy.secure()
        await client.send(request(b"/", b"HEAD"))
        assert (await client.head()).startswith(b"HTTP/1.1 403")
        proxy.broker.refusal = None
        await client.send(request(b"/"))
        assert (await client.head()).startswith(b"HTTP/1.1 200")


async def test_another_name_in_tls_is_refused(tmp_path: Path) -> None:
    """SNI that differs from CONNECT gets 403 sni_mismatch inside; nothing is forwarded."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.tunnel("evil.test")
        context = client_tls()
        context.check_hostname = False
        await client.writer.start_tls(context, server_hostname=HOST)
        await client.send(request())
        status, head, _ = await client.response()
        assert status == 403
        assert b"X-Vault-Proxy-Error: sni_mismatch\r\n" in head
        assert not echo.seen


async def test_no_sni_is_accepted(tmp_path: Path) -> None:
    """A client that names nothing in TLS, as for an IP address, is served."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure("127.0.0.1")
        await client.send(request())
        assert (await client.response())[0] == 200


@pytest.mark.parametrize("target", [b"https://other.test/", b"http://api.test/"])
async def test_another_origin_inside_a_tunnel(tmp_path: Path, target: bytes) -> None:
    """An absolute target inside a tunnel can't lead out of it."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        await client.send(b"GET %b HTTP/1.1\r\nHost: api.test\r\n\r\n" % target)
        assert (await client.response())[0] == 400
        assert not echo.seen


async def test_trace_is_refused(tmp_path: Path) -> None:
    """TRACE would show the credential to the client."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/", b"TRACE"))
        status, head, _ = await client.response()
        assert (status, b"trace_not_allowed" in head) == (403, True)
        assert not echo.seen


async def test_max_forwards_zero_ends_here(tmp_path: Path) -> None:
    """OPTIONS whose hops are used up is answered by the proxy."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/", b"OPTIONS", b"Max-Forwards: 0\r\n"))
        assert (await client.head()).startswith(b"HTTP/1.1 204")
        await client.send(request(b"/", b"OPTIONS", b"Max-Forwards: 1\r\n"))
        assert b"Max-Forwards: 0" in (await client.response())[2]
        assert len(echo.seen) == 1
