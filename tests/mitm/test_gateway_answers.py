"""Gateway paths that the vault answers itself."""

import json
from pathlib import Path

from proxy_core.base.errors import VaultError
from proxy_core.domain.local_answers import LocalAnswer, LocalPath
from proxy_core.mitm.config import ProxyConfig
from tests.mitm.gateway import API_KEY, BEARER, ask
from tests.mitm.rig import SECRET, TOKEN, Echo, rig

OPEN, CLOSED = LocalPath("a protocol", public=True), LocalPath("a protocol", max_body=8)
YES = LocalAnswer(200, b'{"a":1}', (("Content-Type", "application/json"),))


async def test_a_public_path_is_answered_without_a_token(tmp_path: Path) -> None:
    """The request comes whole, the answer is recorded, the connection goes on."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        broker = proxy.broker
        broker.local_path, broker.local_answer = OPEN, YES
        client = await proxy.plain()
        data = ask(b"/api/v1/oauth/token?x=y", b"X-A: 1\r\n", method=b"POST", body=b"a=b&c=d")
        for _ in range(2):
            await client.send(data[:-3])
            await client.send(data[-3:])
            status, head, body = await client.response()
            assert (status, body) == (200, b'{"a":1}')
            assert b"Content-Type: application/json\r\n" in head
        local = broker.locals[0]
        assert (local.body, local.access, local.path) == (b"a=b&c=d", None, OPEN)
        asked = local.request
        assert (asked.method, asked.prefix, asked.path) == ("POST", "api", "/oauth/token")
        assert (asked.query, asked.base) == ("x=y", "http://127.0.0.1:14322")
        assert (asked.header(b"x-a"), asked.header(b"x-b")) == ("1", "")
        assert asked.address == "127.0.0.1"
        assert not asked.has_token
        records = await broker.wait_records(2)
        assert (records[0].decision, records[0].status) == ("answered", 200)
        assert (records[0].reason, records[0].bytes_up) == ("a protocol: answered by the vault", 7)
        assert not echo.seen


async def test_behind_a_reverse_proxy_the_client_is_who_asks(tmp_path: Path) -> None:
    """As far as the reverse proxy is trusted: then what it has appended counts."""
    config = ProxyConfig(trusted_proxies=["127.0.0.1/32"])
    async with rig(tmp_path, Echo(), config=config) as proxy:
        proxy.broker.local_path, proxy.broker.local_answer = OPEN, YES
        client = await proxy.plain()
        said = b"X-Forwarded-For: 203.0.113.9\r\nx-forwarded-for: 192.0.2.7\r\n"
        await client.send(ask(b"/api/v1/oauth/token", said))
        assert (await client.response())[0] == 200
        assert proxy.broker.locals[0].request.address == "192.0.2.7"


async def test_any_other_path_needs_a_token_first(tmp_path: Path) -> None:
    """Nothing is asked of the protocol before; its record says who asked."""
    async with rig(tmp_path, Echo()) as proxy:
        broker = proxy.broker
        broker.local_path, broker.local_answer = CLOSED, YES
        client = await proxy.plain()
        await client.send(ask(b"/api/managed/settings"))
        assert (await client.response())[0] == 401
        assert not broker.locals
        await client.send(ask(b"/api/managed/settings", API_KEY))
        assert (await client.response())[0] == 200
        assert broker.locals[0].access is not None
        assert all(TOKEN not in value for _, value in broker.locals[0].request.headers)
        assert broker.locals[0].request.has_token
        records = await broker.wait_records(2)
        assert records[1].actor_name == "robot"


async def test_what_is_not_answered_goes_on_whole(tmp_path: Path) -> None:
    """Its body was looked at, and is sent to the upstream with the credential."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        proxy.broker.local_path = CLOSED
        client = await proxy.plain()
        await client.send(ask(b"/api/v1/models", BEARER, method=b"POST", body=b"12345678"))
        assert (await client.response())[0] == 200
        ((head, body),) = echo.seen
        assert body == b"12345678"
        assert SECRET in head
        assert len(proxy.broker.vaults) == 1
        assert proxy.memory_used == 0


async def test_bodies_are_bounded(tmp_path: Path) -> None:
    """Too large, or of unknown size: refused in the envelope, and nobody was asked."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.local_path, proxy.broker.local_answer = CLOSED, YES
        client = await proxy.plain()
        await client.send(ask(b"/api/x", BEARER, method=b"POST", body=b"123456789"))
        status, _, body = await client.response()
        assert status == 413
        assert json.loads(body)["error"]["type"] == "request_too_large"
        client = await proxy.plain()
        chunked = b"Transfer-Encoding: chunked\r\n"
        await client.send(ask(b"/api/x", BEARER, chunked, method=b"POST"))
        assert (await client.response())[0] == 400
        assert not proxy.broker.locals


async def test_a_protocol_may_refuse(tmp_path: Path) -> None:
    """Its error is answered as any other, and its own status passes unchanged."""
    async with rig(tmp_path, Echo()) as proxy:
        broker = proxy.broker
        broker.local_path = OPEN
        broker.local_answer = LocalAnswer(400, b'{"error":"slow_down"}')
        client = await proxy.plain()
        await client.send(ask(b"/api/oauth/token"))
        assert (await client.response())[2] == b'{"error":"slow_down"}'

        async def refuse(_: object) -> None:
            raise VaultError("rate_limited", "later", retry_after=3)

        broker.answer = refuse  # type: ignore[method-assign,assignment]  # for this test alone
        await client.send(ask(b"/api/oauth/token"))
        status, head, _ = await client.response()
        assert status == 429
        assert b"Retry-After: 3\r\n" in head


async def test_head_is_answered_without_a_body(tmp_path: Path) -> None:
    """The next request is read where it begins."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.local_path, proxy.broker.local_answer = OPEN, YES
        client = await proxy.plain()
        await client.send(ask(b"/api/hello", method=b"HEAD"))
        assert b"Content-Length: 7\r\n" in await client.head()
        await client.send(ask(b"/api/hello"))
        assert (await client.response())[2] == b'{"a":1}'


async def test_a_client_that_leaves_meanwhile_asks_nothing(tmp_path: Path) -> None:
    """Half a body is no request."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.local_path, proxy.broker.local_answer = OPEN, YES
        client = await proxy.plain()
        await client.send(ask(b"/api/x", method=b"POST", body=b"1234567")[:-1])
        client.close()
        (record,) = await proxy.broker.wait_records(1)
        assert (record.status, record.reason) == (0, "client left")
        assert not proxy.broker.locals
        assert proxy.memory_used == 0
