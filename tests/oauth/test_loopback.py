"""The loopback callback: what counts as a hit, and what is answered to everything else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import OAuthClient, TokenError
from proxy_core.oauth.loopback import LoopbackReceiver

CLIENT = OAuthClient(token_url="https://x.test/", callback_path="/oauth/cb")
STATE = "the-state"
GOOD = f"code=the-code&state={STATE}"


@pytest.fixture
async def receiver() -> AsyncIterator[LoopbackReceiver]:
    """A receiver that is open."""
    async with LoopbackReceiver(CLIENT, wait_seconds=10) as receiver:
        yield receiver


async def get(url: str, **headers: str) -> httpx.Response:
    """What a browser gets."""
    async with httpx.AsyncClient(timeout=30) as browser:
        return await browser.get(url, headers=headers)


async def test_a_hit(receiver: LoopbackReceiver) -> None:
    """The right state gives the code, a plain page, and ends the listening."""
    waiting = asyncio.create_task(receiver.wait(STATE))
    page = await get(f"{receiver.redirect_uri}?{GOOD}")
    assert await waiting == ("the-code", STATE, "")
    assert page.status_code == 200
    assert "close this window" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    with pytest.raises(httpx.ConnectError):
        await get(f"{receiver.redirect_uri}?{GOOD}")


async def test_a_hit_before_anyone_waits(receiver: LoopbackReceiver) -> None:
    """A browser that is quicker than we are waits for its page."""
    page = asyncio.create_task(get(f"{receiver.redirect_uri}?{GOOD}"))
    assert await receiver.wait(STATE) == ("the-code", STATE, "")
    assert (await page).status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "/oauth/cb?code=evil&state=other",
        "/oauth/cb?code=evil",
        "/oauth/cb?error=access_denied&state=other",
        f"/oauth/cb?state={STATE}",
        f"/oauth/cb?code=a&code=b&state={STATE}",
        "/oauth/cb",
        f"/?{GOOD}",
        "/favicon.ico",
        f"/oauth/cb/?{GOOD}",
    ],
)
async def test_what_does_not_count(receiver: LoopbackReceiver, target: str) -> None:
    """Another state or path is refused, shows nothing of itself, and the wait goes on."""
    waiting = asyncio.create_task(receiver.wait(STATE))
    base = receiver.redirect_uri.removesuffix("/oauth/cb")
    page = await get(base + target)
    assert page.status_code == 400
    assert "evil" not in page.text
    assert not waiting.done()
    await get(f"{receiver.redirect_uri}?{GOOD}")
    assert await waiting == ("the-code", STATE, "")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1"]
)
async def test_a_page_elsewhere_can_not_reach_it(receiver: LoopbackReceiver, host: str) -> None:
    """A host name that was made to lead here is refused (DNS rebinding)."""
    waiting = asyncio.create_task(receiver.wait(STATE))
    port = str(urlsplit(receiver.redirect_uri).port)
    url = f"{receiver.redirect_uri}?{GOOD}"
    assert (await get(url, Host=host.replace("{port}", port))).status_code == 400
    assert not waiting.done()
    assert (await get(url, Host=f"localhost:{port}")).status_code == 200
    await waiting


async def test_only_a_get_counts(receiver: LoopbackReceiver) -> None:
    """A POST that another page sends is refused."""
    waiting = asyncio.create_task(receiver.wait(STATE))
    async with httpx.AsyncClient(timeout=30) as browser:
        assert (await browser.post(f"{receiver.redirect_uri}?{GOOD}")).status_code == 400
    assert not waiting.done()
    waiting.cancel()


async def test_a_refusal(receiver: LoopbackReceiver) -> None:
    """The provider's refusal ends the wait with its reason; the page doesn't repeat it."""
    waiting = asyncio.create_task(receiver.wait(STATE))
    query = f"error=access_denied&error_description=Because&state={STATE}"
    page = await get(f"{receiver.redirect_uri}?{query}")
    with pytest.raises(TokenError) as caught:
        await waiting
    assert (caught.value.code, caught.value.detail) == ("access_denied", "Because")
    assert "Because" not in page.text


async def test_an_idle_connection_is_in_nobodys_way(receiver: LoopbackReceiver) -> None:
    """Browsers open connections ahead of need; the callback comes over another one."""
    port = urlsplit(receiver.redirect_uri).port
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    waiting = asyncio.create_task(receiver.wait(STATE))
    await get(f"{receiver.redirect_uri}?{GOOD}")
    assert await waiting
    writer.close()


async def test_garbage_is_in_nobodys_way(receiver: LoopbackReceiver) -> None:
    """What is no HTTP, or too long, is dropped."""
    port = urlsplit(receiver.redirect_uri).port
    waiting = asyncio.create_task(receiver.wait(STATE))
    for garbage in (b"\x16\x03\x01\r\n\r\n", b"GET /" + b"a" * 40_000 + b"\r\n\r\n", b"\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(garbage)
        assert b"200 OK" not in await reader.read()
        writer.close()
    await get(f"{receiver.redirect_uri}?{GOOD}")
    assert await waiting


async def test_nobody_comes() -> None:
    """The wait has an end, and the port is free again."""
    async with LoopbackReceiver(CLIENT, wait_seconds=0.05) as receiver:
        with pytest.raises(TokenError) as caught:
            await receiver.wait(STATE)
    assert caught.value.code == "timeout"
    with pytest.raises(httpx.ConnectError):
        await get(receiver.redirect_uri)


async def test_leaving_closes_it() -> None:
    """A login that is given up listens no longer."""
    async with LoopbackReceiver(CLIENT) as receiver:
        uri = receiver.redirect_uri
    with pytest.raises(httpx.ConnectError):
        await get(uri)


async def test_a_fixed_port() -> None:
    """Where the provider knows one port only, that one is used; if it is taken, that is said."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        client = OAuthClient(
            token_url="https://x.test/", callback_port=port, callback_host="localhost"
        )
        with pytest.raises(VaultError) as caught:
            async with LoopbackReceiver(client):
                pass
    assert caught.value.code == "port_in_use"
    async with LoopbackReceiver(client) as receiver:
        assert receiver.redirect_uri == f"http://localhost:{port}/callback"


async def test_it_listens_on_loopback_only(receiver: LoopbackReceiver) -> None:
    """Other machines can't reach it."""
    assert receiver._server.sockets[0].getsockname()[0] == "127.0.0.1"
