"""Accounts over the whole worker: added through the API, refreshed, polled, failed over."""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.async_client import AsyncClient
from proxy_core.client.calls import Call
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire
from tests.mitm.rig import Client, authority, read_request, upstream, upstream_tls
from tests.worker.harness import ThreadedWorker

API = "api.anthropic.com"
PREFIX = "anthropic-ratelimit-unified-"
EVENTS = 'event: message_start\ndata: {"type":"message_start"}\n\n'


def reply(status: int, body: str, kind: str = "application/json", **fields: object) -> bytes:
    """A whole response; `_` stands for `-` in names."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", body]).encode()


def grant(role: str = "proxy") -> wire.AgentVault:
    """For the default vault."""
    return wire.AgentVault(vault_name="default", vault_role=role)


class Claude:
    """Token endpoint, usage endpoint and messages of one provider."""

    def __init__(self) -> None:
        self.refreshed: list[dict[str, Any]] = []
        self.exhausted: set[str] = set()
        self.served: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, body = await read_request(reader)
            target = head.split(b" ", 2)[1].decode()
            bearer = head.partition(b"earer ")[2].partition(b"\r\n")[0].decode()
            writer.write(self.answer(target, bearer, body))
            await writer.drain()

    def answer(self, target: str, bearer: str, body: bytes) -> bytes:
        if target == "/v1/oauth/token":
            asked = json.loads(body)
            self.refreshed.append(asked)
            name = asked["refresh_token"].removeprefix("rt-")
            account = {"uuid": "u", "email_address": f"{name}@example.com"}
            fresh = {"access_token": f"at-{name}", "refresh_token": f"rt2-{name}"}
            return reply(200, json.dumps({**fresh, "expires_in": 28800, "account": account}))
        if target == "/api/oauth/usage":
            window = {"utilization": 64.0, "resets_at": "2099-01-01T00:00:00Z"}
            return reply(200, json.dumps({"seven_day": {**window, "resets_at": None}}))
        self.served.append(bearer)
        if bearer in self.exhausted:
            fields = {
                f"{PREFIX}status": "rejected",
                f"{PREFIX}representative-claim": "five_hour",
                f"{PREFIX}reset": 4_000_000_000,
                "retry-after": 1800,
            }
            return reply(429, "{}", **fields)
        return reply(200, EVENTS, "text/event-stream")


class World:
    """A worker whose provider is `claude`."""

    def __init__(self, worker: ThreadedWorker, claude: Claude) -> None:
        self.worker, self.claude = worker, claude

    async def send(self, call: Call[Any]) -> Any:
        return await asyncio.to_thread(self.client().send, call)

    def client(self) -> SyncClient:
        return SyncClient(Target(socket=self.worker.socket))

    async def logged(self) -> Any:
        """The log's first page, once everything is in it."""
        flushed = self.worker.running.app._context.log.flush()
        future = asyncio.run_coroutine_threadsafe(flushed, self.worker.loop)
        await asyncio.wrap_future(future)
        return await self.send(calls.logs())

    async def add(self, name: str, join: bool | None = None) -> Any:
        tokens = {"access_token": "old", "refresh_token": f"rt-{name}", "expires_in": 60}
        account = wire.AddAccount(provider="claude", tokens=tokens, join=join)
        return await self.send(calls.add_account(account))

    async def ask(self, token: str, body: bytes) -> tuple[int, bytes, bytes]:
        """A message as Claude Code sends it."""
        host, _, port = self.worker.running.facts.proxy.rpartition(":")
        client = Client(*await asyncio.open_connection(host, int(port)))
        login = base64.b64encode(f"{token}:default".encode())
        await client.send(
            b"CONNECT %b:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic %b\r\n\r\n"
            % (API.encode(), login)
        )
        await client.head()
        pem = await self.send(calls.ca_pem())
        await client.writer.start_tls(ssl.create_default_context(cadata=pem), server_hostname=API)
        await client.send(
            b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: %b\r\nAuthorization: Bearer x\r\n"
            b"Content-Type: application/json\r\nAccept-Encoding: gzip, br\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (API.encode(), len(body), body)
        )
        found = await client.response()
        client.abort()
        return found


@contextlib.asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[World]:
    """The worker in a thread of its own, the provider in this one."""
    roots = tmp_path / "roots.pem"
    authority().cert_pem.write_to_path(str(roots))
    claude = Claude()
    tls = upstream_tls(API, "platform.claude.com")
    async with upstream(claude, tls) as port:
        worker = ThreadedWorker(
            tmp_path / "home", connect_to=(f"::127.0.0.1:{port}",), upstream_ca=(roots,)
        )
        await asyncio.to_thread(worker.start)
        try:
            await asyncio.to_thread(worker.init)
            yield World(worker, claude)
        finally:
            await asyncio.to_thread(worker.stop)


async def test_from_pasted_tokens_to_failover(tmp_path: Path) -> None:
    """Two accounts, one credential, one agent: a stream is served by the second account in the
    same call, and the console can tell why.
    """
    async with running(tmp_path) as world:
        added = await world.add("ada")
        assert (added.account.email, added.pool, added.created) == (
            "ada@example.com",
            "ANTHROPIC",
            True,
        )
        assert world.claude.refreshed[0]["client_id"] == "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
        assert (await world.add("bob", join=True)).pool == "ANTHROPIC"
        service = {"host": API, "auth": {"type": "bearer", "token": "ANTHROPIC"}, "name": "claude"}
        await world.send(calls.upsert_services([service]))
        agent = await world.send(calls.create_agent("bot", vaults=[grant()]))
        world.claude.exhausted = {"at-ada"}
        body = b'{"model":"claude-sonnet-4-5","stream":true,"pad":"%b"}' % (b"x" * 200_000)
        status, _, text = await world.ask(agent.av_agent_token, body)
        assert (status, text.decode()) == (200, EVENTS)
        assert world.claude.served == ["at-ada", "at-bob"]
        page = await world.logged()
        assert (page.logs[0].account, page.logs[0].retries) == ("bob", 1)
        assert "ada has refused this request" in page.logs[0].account_reason
        ada = await world.send(calls.account("ada"))
        assert (ada.state, ada.pools) == ("exhausted", ["ANTHROPIC"])
        polled = await world.send(calls.ask_quota("bob"))
        assert [(one.name, one.used, one.resets_at) for one in polled.windows] == [
            ("7d", 0.64, None)
        ]
        world.claude.exhausted.add("at-bob")
        status, head, _ = await world.ask(agent.av_agent_token, body)
        assert status == 429
        assert b"X-Vault-Proxy-Error: accounts_exhausted" in head


async def test_roles(tmp_path: Path) -> None:
    """A vault's member may look at and change its accounts; an agent with the proxy role may not,
    and only an operator pins.
    """
    async with running(tmp_path) as world:
        await world.add("ada")
        member = await world.send(calls.create_agent("member", vaults=[grant("member")]))
        proxy = await world.send(calls.create_agent("proxy", vaults=[grant()]))
        base = f"http://{world.worker.api}"

        async def code(token: str, call: Call[Any]) -> str:
            client = AsyncClient(Target(base_url=base, token=token))
            try:
                await client.send(call)
            except VaultError as error:
                return error.code
            finally:
                await client.aclose()
            return ""

        looking, pausing = calls.accounts(), calls.pause_account("ada")
        pinning = calls.pin_account("ada", agent="proxy")
        assert await code(member.av_agent_token, looking) == ""
        assert await code(member.av_agent_token, pausing) == ""
        assert await code(member.av_agent_token, pinning) == "role_forbidden"
        assert await code(proxy.av_agent_token, looking) == "role_forbidden"
        assert await code(proxy.av_agent_token, pausing) == "role_forbidden"
        await world.send(calls.create_vault("other"))
        assert await code(member.av_agent_token, calls.accounts("other")) == "vault_forbidden"
        assert await code(member.av_agent_token, calls.accounts("none")) == "vault_not_found"


@pytest.mark.parametrize("name", ["a%2Fb", "ada@example.com", "%00"])
async def test_names_in_paths(tmp_path: Path, name: str) -> None:
    """Whatever they hold, the answer is ours."""
    async with running(tmp_path) as world:
        await world.add("ada")
        answer = await asyncio.to_thread(world.worker.ask, "GET", f"/v1/accounts/{name}", tcp=False)
        assert answer.status == (200 if "@" in name else 404)
        assert ("error" in answer.json) is ("@" not in name)
