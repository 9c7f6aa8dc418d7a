"""Accounts of a provider behind the whole data path: real sockets, TLS, database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from proxy_core.domain.traffic import RequestRecord
from proxy_core.mitm.ca import LeafMint
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.connect_to import ConnectToTable
from proxy_core.mitm.guard import Guard
from proxy_core.mitm.server import ProxyServer
from proxy_core.services.application import Application
from tests.mitm.rig import Client, authority, root, upstream, upstream_tls
from tests.services.accounts.provider import HOST, Provider, Tokens, Usage
from tests.services.conftest import ADA, basic, events_of, make_agent, put_service

KEY = "ANTHROPIC"


@dataclass
class World:
    """An application, its proxy, one provider, and agents that ask."""

    app: Application
    clock: FakeClock
    provider: Provider
    tokens: Tokens
    usage: Usage
    port: int
    bot: str = ""
    clients: list[Client] = field(default_factory=list)

    @property
    def now(self) -> float:
        return self.clock.time()

    async def add(self, name: str, join: bool | None = True, **more: object) -> wire.AccountAdded:
        """An account whose access token is its name, good for a year."""
        tokens = {"access_token": name, "expires_at": self.now + 365 * 86_400}
        values = {"email": f"{name}@example.com", **more}
        request = wire.AddAccount(provider="claude", tokens=tokens, join=join, **values)  # type: ignore[arg-type]
        return await self.app.accounts.adding.paste(request, ADA)

    def account(self, name: str) -> wire.AccountInfo:
        return self.app.accounts.admin.get("default", name)

    def window(self, name: str, window: str) -> wire.QuotaWindow:
        return next(one for one in self.account(name).windows if one.name == window)

    def events(self, type: str) -> list[Event]:
        return events_of(self.app, type)

    async def client(self, token: str = "") -> Client:
        """An agent's tunnel to the provider."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        authorization = basic(token or self.bot, "default")
        line = b"CONNECT %b:443 HTTP/1.1\r\nHost: %b:443\r\n" % (HOST.encode(), HOST.encode())
        await client.send(line + b"Proxy-Authorization: %b\r\n\r\n" % authorization)
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        await client.start_tls(HOST)
        return client

    async def ask(
        self,
        model: str = "claude-sonnet-4-5",
        *,
        token: str = "",
        headers: Sequence[str] = (),
        body: bytes | None = None,
    ) -> tuple[int, bytes, bytes]:
        """One message on a connection of its own: status, head, body."""
        if body is None:
            body = b'{"model":"%b","messages":[]}' % model.encode()
        client = await self.client(token)
        lines = [
            "POST /v1/messages?beta=true HTTP/1.1",
            f"Host: {HOST}",
            "Authorization: Bearer __PLACEHOLDER__",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        await client.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        found = await client.response()
        client.close()
        return found

    async def records(self) -> list[RequestRecord]:
        """What the log keeps, oldest first."""
        return [event.data for event in self.events("request.finished")]


@pytest.fixture
async def world(app: Application, clock: FakeClock, tmp_path: Path) -> AsyncIterator[World]:
    """No account yet; a service for the provider that uses its pool."""
    roots = tmp_path / "roots.pem"
    authority().cert_pem.write_to_path(str(roots))
    provider, tokens, usage = Provider(), Tokens(), Usage()
    app.logins.attach(tokens)
    app.accounts.attach(usage)
    async with upstream(provider, upstream_tls(HOST)) as port:
        guard = Guard(connect_to=ConnectToTable.parse([f"::127.0.0.1:{port}"]))
        proxy = ProxyServer(app.broker, LeafMint(root()), guard, ProxyConfig(upstream_ca=(roots,)))
        _, proxy_port = await proxy.start("127.0.0.1", 0)
        built = World(app, clock, provider, tokens, usage, proxy_port)
        await put_service(app, "anthropic-api", HOST, KEY)
        built.bot = await make_agent(app, "bot", "default")
        try:
            yield built
        finally:
            for client in built.clients:
                client.abort()
            await proxy.stop(0)
