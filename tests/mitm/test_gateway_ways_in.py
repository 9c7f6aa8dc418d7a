"""Ways to the gateway: by the vault's own name, in absolute form, over TLS, and with a JWT."""

import asyncio
import ssl
from pathlib import Path

import pytest

from proxy_core.mitm.config import ProxyConfig
from tests.mitm.gateway import BEARER, ask
from tests.mitm.rig import (
    AUTH,
    Echo,
    authority,
    request,
    rig,
    upstream_tls,
)

JWT = b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("host", "vault"),
    [
        (b"work.proxy.example.com", "work"),
        (b"Work.Proxy.example.com:8443", "work"),
        (b"proxy.example.com", None),
        (b"a.b.proxy.example.com", None),
        (b"127.0.0.1", None),
    ],
)
async def test_a_host_name_can_name_the_vault(
    tmp_path: Path, host: bytes, vault: str | None
) -> None:
    """`<vault>.<domain>`, where a domain is set; X-Vault may say the same."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.configure(gateway_domain="proxy.example.com")
        client = await proxy.plain()
        data = ask(b"/api/x", BEARER).replace(b"127.0.0.1:14322", host)
        await client.send(data)
        assert (await client.response())[0] == 200
        assert proxy.broker.vaults == [vault]
        if vault is not None:
            same = b"X-Vault: %b\r\n" % vault.encode()
            await client.send(data.replace(BEARER, BEARER + same))
            assert (await client.response())[0] == 200
            await client.send(data.replace(BEARER, BEARER + b"X-Vault: other\r\n"))
            assert (await client.response())[0] == 400


async def test_a_jwt_waits_for_its_issuer_alone(tmp_path: Path) -> None:
    """At the gateway, in absolute form and on CONNECT; others are served meanwhile."""
    async with rig(tmp_path, Echo()) as proxy:
        broker = proxy.broker
        broker.issuer = asyncio.Event()
        waiting, other = await proxy.plain(), await proxy.plain()
        await waiting.send(ask(b"/api/x", b"Authorization: Bearer %b\r\n" % JWT))
        await other.send(ask(b"/api/x", BEARER))
        assert (await other.response())[0] == 200
        broker.issuer.set()
        status, _, body = await waiting.response()
        assert status == 200
        assert JWT not in body
        client = await proxy.plain()
        host = b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"
        await client.send(host + b"Proxy-Authorization: Bearer %b\r\n\r\n" % JWT)
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        assert broker.verified == [b"Bearer " + JWT] * 2


async def test_the_proxys_own_address_in_absolute_form_is_the_gateway(tmp_path: Path) -> None:
    """Clients with a proxy set ask it for its own address in that way."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.plain()
        own = b"http://127.0.0.1:%d/api/x" % proxy.port
        await client.send(ask(own, BEARER, AUTH))
        status, _, body = await client.response()
        assert status == 200
        assert body.startswith(b"GET /x HTTP/1.1\r\nHost: api.test\r\n")
        assert b"roxy-" not in body


async def test_inside_a_tunnel_no_path_is_the_gateways(tmp_path: Path) -> None:
    """The tunnel's host gets what is sent there, and no token of an agent's opens anything."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/api/x", extra=b"X-A: 1\r\n"))
        _, _, body = await client.response()
        assert body.startswith(b"GET /api/x HTTP/1.1\r\n")
        assert proxy.broker.facts[0].ingress == "connect"


async def test_the_gateway_over_tls(tmp_path: Path) -> None:
    """With a certificate of the port's own; the record of a refusal has https's port."""
    config = ProxyConfig(tls=upstream_tls("vault.test"), gateway_domain="test")
    async with rig(tmp_path, Echo(), config=config) as proxy:
        trusting = ssl.create_default_context()
        authority().configure_trust(trusting)
        client = await proxy.plain()
        await client.writer.start_tls(trusting, server_hostname="vault.test")
        for fields, status in (((BEARER,), 200), ((), 401)):
            data = ask(b"/api/x", *fields).replace(b"127.0.0.1:14322", b"vault.test")
            await client.send(data)
            assert (await client.response())[0] == status
        assert proxy.broker.asked_locally[0].base == "https://vault.test"
        assert proxy.broker.vaults == ["vault", "vault"]
        _, refused = await proxy.broker.wait_records(2)
        assert (refused.host, refused.port) == ("vault.test", 443)
