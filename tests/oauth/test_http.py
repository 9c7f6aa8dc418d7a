"""What bounds a request to a provider: guard, TLS, redirects, size, time, tries."""

import asyncio
import contextlib
import ssl

import pytest

from proxy_core.domain.oauth import TokenError
from proxy_core.oauth.http import MAX_REPLY, GuardedHttp, Reply
from tests.oauth.servers import HOST, Received, Script, Tls, guard, listening, plain_http, reply


@pytest.fixture(scope="module")
def tls() -> Tls:
    """A certificate for the issuer."""
    return Tls()


async def failure(http: GuardedHttp, url: str) -> TokenError:
    """The error of a POST."""
    with pytest.raises(TokenError) as caught:
        await http.post(url, {}, b"x=1")
    assert not caught.value.final
    return caught.value


async def test_a_request_over_tls_by_name(tls: Tls) -> None:
    """The name is resolved by the guard, its address dialled, the certificate checked by name."""
    script = Script(reply('{"a":1}', X_Thing="y"))
    async with listening(script, tls.server) as port:
        http = GuardedHttp(guard().resolve, tls.client)
        answer = await http.post(f"https://{HOST}:{port}/token?q=1", {"x-mine": "z"}, b"a=1")
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (200, b'{"a":1}', "y")
    (received,) = script.received
    assert (received.method, received.target, received.body) == ("POST", "/token?q=1", b"a=1")
    assert received.headers["host"] == f"{HOST}:{port}"
    assert received.headers["x-mine"] == "z"
    assert received.headers["user-agent"] == "vault-tui"


async def test_a_certificate_of_another_name(tls: Tls) -> None:
    """Nothing is sent to a host that can't prove its name, and it is tried once."""
    script = Script(reply())
    async with listening(script, tls.server) as port:
        error = await failure(
            GuardedHttp(guard().resolve, tls.client), f"https://other.test:{port}/"
        )
    assert error.code == "tls"
    assert script.received == []


async def test_a_certificate_nobody_vouches_for(tls: Tls) -> None:
    """An unknown authority's certificate is refused."""
    script = Script(reply())
    async with listening(script, tls.server) as port:
        http = GuardedHttp(guard().resolve, ssl.create_default_context)
        error = await failure(http, f"https://{HOST}:{port}/")
    assert error.code == "tls"
    assert script.received == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"]
)
async def test_a_name_that_leads_inside(tls: Tls, address: str) -> None:
    """A token URL on a private or metadata address is refused by the guard."""
    http = GuardedHttp(guard(address, private=False).resolve, tls.client)
    assert (await failure(http, f"https://{HOST}/token")).code == "address_blocked"


async def test_cloud_metadata_is_refused_even_where_private_networks_are_allowed(tls: Tls) -> None:
    """Metadata stays out of reach whatever an operator allows."""
    http = GuardedHttp(guard("169.254.169.254").resolve, tls.client)
    assert (await failure(http, f"https://{HOST}/token")).code == "address_blocked"


async def test_the_guard_rules_over_plain_loopback_too() -> None:
    """The flag for plain http opens no address by itself."""
    script = Script(reply())
    async with listening(script) as port:
        http = GuardedHttp(
            guard(private=False).resolve, ssl.create_default_context, allow_http_loopback=True
        )
        error = await failure(http, f"http://127.0.0.1:{port}/")
    assert error.code == "address_blocked"
    assert script.received == []


@pytest.mark.parametrize(
    ("url", "flag"),
    [
        ("http://127.0.0.1:1/", False),
        ("http://issuer.test/", True),
        ("http://10.0.0.1/", True),
        ("ftp://issuer.test/", True),
        ("https://user@issuer.test/", True),
    ],
)
async def test_urls_that_are_not_asked(url: str, flag: bool) -> None:
    """https only; http to loopback by the flag alone."""
    http = GuardedHttp(guard().resolve, ssl.create_default_context, allow_http_loopback=flag)
    assert (await failure(http, url)).code == "http_refused"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_refused(status: int) -> None:
    """Tokens never follow a redirect."""
    elsewhere = Script(reply())
    async with listening(elsewhere) as other:
        script = Script(reply(status=status, Location=f"http://127.0.0.1:{other}/"))
        async with listening(script) as port:
            error = await failure(plain_http(), f"http://127.0.0.1:{port}/")
    assert (error.code, error.status) == ("redirect_refused", status)
    assert elsewhere.received == []


async def test_a_reply_of_exactly_one_mebibyte() -> None:
    """The limit itself passes."""
    async with listening(Script(reply(b"x" * MAX_REPLY))) as port:
        answer = await plain_http().get(f"http://127.0.0.1:{port}/", {})
    assert len(answer.body) == MAX_REPLY


async def test_a_larger_reply_is_refused() -> None:
    """One byte more does not, with a length or without."""
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_REPLY + 1)
    for answer in (reply(b"x" * (MAX_REPLY + 1)), endless):
        async with listening(Script(answer)) as port:
            assert (
                await failure(plain_http(), f"http://127.0.0.1:{port}/")
            ).code == "reply_too_large"


async def test_a_compressed_reply_is_refused() -> None:
    """No compression was asked for: a small bomb stays packed."""
    async with listening(Script(reply(b"x", Content_Encoding="gzip"))) as port:
        assert (await failure(plain_http(), f"http://127.0.0.1:{port}/")).code == "bad_reply"


async def test_a_broken_connection_is_tried_once_more() -> None:
    """A connection that ends before any answer gets a second try."""
    script = Script(None, reply('{"ok":1}'))
    async with listening(script) as port:
        answer = await plain_http().post(f"http://127.0.0.1:{port}/", {}, b"a=1")
    assert answer.body == b'{"ok":1}'
    assert [each.body for each in script.received] == [b"a=1", b"a=1"]


async def test_a_connection_that_breaks_twice() -> None:
    """There is no third try."""
    script = Script(None, None, reply())
    async with listening(script) as port:
        error = await failure(plain_http(), f"http://127.0.0.1:{port}/")
    assert error.code == "unreachable"
    assert len(script.received) == 2


async def test_an_answer_that_breaks_off_is_not_tried_again() -> None:
    """Once an answer has begun, the provider has acted: nothing is sent twice."""
    script = Script(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", reply())
    async with listening(script) as port:
        error = await failure(plain_http(), f"http://127.0.0.1:{port}/")
    assert (error.code, error.status) == ("unreachable", 200)
    assert len(script.received) == 1


async def test_a_provider_that_is_silent() -> None:
    """The whole request has a time limit."""
    came = asyncio.Event()

    async def silent(_request: Received) -> bytes:
        came.set()
        await asyncio.Event().wait()
        return b""

    async with listening(silent) as port:
        for seconds in (0.2, 2.0, 20.0):  # on a busy machine it may not even be asked in time
            error = await failure(plain_http(total_seconds=seconds), f"http://127.0.0.1:{port}/")
            assert error.code == "timeout"
            if came.is_set():
                return
    raise AssertionError("it was never asked")


async def test_a_provider_that_drips() -> None:
    """An answer that comes byte by byte, and never ends, has the same time limit."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(plain_http(total_seconds=0.3), f"http://127.0.0.1:{port}/")
    assert error.code == "timeout"


async def test_the_next_address_is_tried() -> None:
    """Where a host has several addresses, one that refuses is passed over."""
    script = Script(reply())
    tls = Tls()
    async with listening(script, tls.server) as port:
        http = GuardedHttp(guard("127.0.0.99", "127.0.0.1").resolve, tls.client)
        assert (await http.get(f"https://{HOST}:{port}/", {})).status == 200


async def test_nobody_listens() -> None:
    """A host that can't be reached is an error that may pass."""
    async with listening(Script()) as port:
        pass
    assert (await failure(plain_http(), f"http://127.0.0.1:{port}/")).code == "unreachable"


def test_a_reply_shows_nothing() -> None:
    """A reply that lands in a log shows no body."""
    assert "hidden" not in repr(Reply(200, {"x": "hidden"}, b"hidden"))
