"""A proxy over a fake broker, upstreams that do as they are told, and clients that speak bytes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import trustme

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import (
    Access,
    ActorType,
    Ask,
    Decision,
    Injection,
    Loan,
    RequestDetails,
    RequestFacts,
    ResponseFacts,
)
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.oauth.capture import LoginAnswer, LoginRequest
from proxy_core.domain.service import Auth, AuthType, Gateway, Service
from proxy_core.domain.traffic import RequestRecord, RequestStart
from proxy_core.mitm.ca import LeafMint, RootCA, new_root
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.connect_to import ConnectToTable
from proxy_core.mitm.guard import Guard
from proxy_core.mitm.server import ProxyServer

SECRET = b"Bearer s3cr3t"
AUTH = b"Proxy-Authorization: Basic dG9rZW46\r\n"
TOKEN = b"vt_agt_" + b"0123456789abcdef" * 4
GATEWAY_AUTH = b"Bearer " + TOKEN
HOST = "api.test"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SERVICE = Service(name="api", host=HOST, auth=Auth(AuthType.BEARER, token="KEY"))
INJECTION = Injection(headers=((b"Authorization", SECRET),))


@dataclass
class FakeBroker:
    """Lets everybody in who has the token, and injects a header for `api.test`."""

    refusal: VaultError | None = None
    injection: Injection = INJECTION
    facts: list[RequestFacts] = field(default_factory=list)
    starts: list[RequestStart] = field(default_factory=list)
    records: list[RequestRecord] = field(default_factory=list)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)
    fault: Exception | None = None
    second: Injection | VaultError | None = None
    """What a refused request is sent again with; None: the refusal passes."""
    reconsiders: bool = False
    borrows: bool = False
    pooled: bool = False
    answer_instead: VaultError | None = None
    """Raised when a response is reconsidered."""
    details: list[RequestDetails] = field(default_factory=list)
    observed: list[tuple[Loan, int]] = field(default_factory=list)
    given_back: list[Loan] = field(default_factory=list)
    responses: list[ResponseFacts] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    asks: bool = False
    """Every request waits for `verdict`."""
    verdict: "asyncio.Future[Decision] | None" = None
    previews: list[str] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    admitted: int = 0
    """Requests that are counted now."""
    refused_admission: VaultError | None = None
    service: Service = SERVICE
    login_answer: LoginAnswer | None = None
    """What a login gets; None: it goes on."""
    logins: list[LoginRequest] = field(default_factory=list)
    verified: list[bytes] = field(default_factory=list)
    """JWTs that an issuer was asked about; all of them are good."""
    issuer: asyncio.Event | None = None
    """What its answer waits for."""
    vaults: list[str | None] = field(default_factory=list)
    """Those that requests have named beside their token."""
    gateways: dict[str, Gateway] = field(
        default_factory=lambda: {"api": Gateway("api", "https", HOST, 443)}
    )
    local_path: LocalPath | None = None
    """The terms on which every gateway request may be answered on the spot."""
    local_answer: LocalAnswer | None = None
    asked_locally: list[LocalRequest] = field(default_factory=list)
    locals: list[Local] = field(default_factory=list)

    async def verify(self, authorization: bytes, address: str = "") -> None:
        self.verified.append(authorization)
        if self.issuer is not None:
            await self.issuer.wait()

    def authenticate(
        self, authorization: bytes | None, address: str = "", vault: str | None = None
    ) -> Access:
        self.addresses.append(address)
        self.vaults.append(vault)
        if authorization not in (b"Basic dG9rZW46", GATEWAY_AUTH, *self.verified):
            raise VaultError("proxy_auth_required", "a token is needed")
        return Access(b"t" * 32, ActorType.AGENT, "1", "robot", vault or "main")

    def gateway(self, access: Access, prefix: str) -> Gateway:
        if prefix not in self.gateways:
            raise VaultError("gateway_not_found", extra={"gateways": sorted(self.gateways)})
        return self.gateways[prefix]

    def answers(self, request: LocalRequest) -> LocalPath | None:
        self.asked_locally.append(request)
        return self.local_path

    async def answer(self, local: Local) -> LocalAnswer | None:
        self.locals.append(local)
        return self.local_answer

    def admit(self, access: Access) -> Callable[[], None]:
        if self.refused_admission is not None:
            raise self.refused_admission
        self.admitted += 1

        def leave() -> None:
            self.admitted -= 1

        return leave

    def decide(self, access: Access, facts: RequestFacts) -> Decision | Ask:
        self.facts.append(facts)
        if self.fault is not None:
            raise self.fault
        if self.refusal is not None:
            raise self.refusal
        decision = Decision(
            "main",
            self.service,
            "service api",
            ("KEY",),
            self.reconsiders,
            self.borrows or self.pooled,
            self.pooled,
        )
        return Ask(decision, 0, "rule 1 asks") if self.asks else decision

    async def hold(self, access: Access, facts: RequestFacts, ask: Ask, preview: str) -> Decision:
        self.previews.append(preview)
        self.verdict = asyncio.get_running_loop().create_future()
        self.held.set()
        try:
            return await self.verdict
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def capture(
        self, access: Access, decision: Decision, request: LoginRequest
    ) -> LoginAnswer | None:
        self.logins.append(request)
        return self.login_answer

    async def inject(self, decision: Decision, request: RequestDetails) -> Injection:
        self.details.append(request)
        if decision.reason != "second":
            return self.injection
        if not isinstance(self.second, Injection):
            raise self.second or AssertionError("there is no second decision")
        return self.second

    def observe(self, loan: Loan, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.observed.append((loan, status))

    async def reconsider(
        self, decision: Decision, loan: Loan | None, response: ResponseFacts
    ) -> Decision | None:
        self.responses.append(response)
        if self.answer_instead is not None:
            raise self.answer_instead
        if self.second is None or decision.reason == "second":
            return None
        return replace(decision, reason="second")

    def returned(self, loan: Loan) -> None:
        self.given_back.append(loan)

    def started(self, start: RequestStart) -> None:
        self.starts.append(start)

    def finished(self, record: RequestRecord) -> None:
        self.records.append(record)
        self.recorded.set()

    async def wait_records(self, count: int) -> list[RequestRecord]:
        async with asyncio.timeout(30):
            while len(self.records) < count:
                self.recorded.clear()
                await self.recorded.wait()
        return self.records


@cache
def authority() -> trustme.CA:
    """The upstreams' CA."""
    return trustme.CA()


@cache
def root() -> RootCA:
    """The proxy's root."""
    return new_root()


def upstream_tls(*names: str, ca: trustme.CA | None = None) -> ssl.SSLContext:
    """What an upstream for these names presents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (ca or authority()).issue_cert(*names).configure_cert(context)
    context.set_alpn_protocols(["http/1.1"])
    return context


def client_tls() -> ssl.SSLContext:
    """A client that trusts the proxy's root alone."""
    context = ssl.create_default_context(cadata=root().cert_pem.decode())
    context.set_alpn_protocols(["http/1.1"])
    return context


class Client:
    """A raw client: bytes out, bytes in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        async with asyncio.timeout(30):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def exactly(self, count: int) -> bytes:
        async with asyncio.timeout(30):
            return await self.reader.readexactly(count)

    async def rest(self) -> bytes:
        """Everything until the end. Raises ConnectionError for an end that is none."""
        async with asyncio.timeout(30):
            return await self.reader.read()

    async def response(self) -> tuple[int, bytes, bytes]:
        """Status, head and body of a response with a length."""
        head = await self.head()
        size = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                size = int(line.split(b":")[1])
        return int(head[9:12]), head, await self.exactly(size)

    async def start_tls(self, name: str | None = HOST) -> None:
        context = client_tls()
        if name is None:
            context.check_hostname = False
        await self.writer.start_tls(context, server_hostname=name)

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        if not self.writer.transport.is_closing():
            self.writer.transport.abort()


@dataclass
class Rig:
    proxy: ProxyServer
    broker: FakeBroker
    mint: LeafMint
    port: int
    upstream_port: int
    clients: list[Client] = field(default_factory=list)

    async def plain(self) -> Client:
        """A connection to the proxy, nothing said."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    async def tunnel(self, host: str = HOST, port: int = 443) -> Client:
        """A CONNECT that was accepted."""
        client = await self.plain()
        target = f"{host}:{port}".encode()
        await client.send(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (target, target, AUTH))
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 200 "), head
        return client

    async def secure(self, host: str = HOST) -> Client:
        """TLS inside a CONNECT."""
        client = await self.tunnel(host)
        await client.start_tls(host)
        return client

    @property
    def memory_used(self) -> int:
        """Bytes of request bodies that are held now."""
        return self.proxy.held_bytes

    def configure(self, **changes: object) -> None:
        self.proxy.config = replace(self.proxy.config, **changes)


@asynccontextmanager
async def upstream(handler: Handler, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """A server that gives every connection to `handler`; its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@asynccontextmanager
async def rig(
    tmp_path: Path,
    handler: Handler,
    *,
    tls: ssl.SSLContext | bool | None = True,
    config: ProxyConfig | None = None,
    connect_to: str = "",
) -> AsyncIterator[Rig]:
    """A proxy in front of one upstream that stands for every host and port."""
    roots = tmp_path / "roots.pem"
    authority().cert_pem.write_to_path(str(roots))
    context = upstream_tls(HOST, "127.0.0.1") if tls is True else tls or None
    broker, mint = FakeBroker(), LeafMint(root())
    async with upstream(handler, context) as port:
        table = ConnectToTable.parse([connect_to or f"::127.0.0.1:{port}"])
        base = config or ProxyConfig()
        guard = Guard(connect_to=table)
        proxy = ProxyServer(broker, mint, guard, replace(base, upstream_ca=(roots,)))
        _, proxy_port = await proxy.start("127.0.0.1", 0)
        built = Rig(proxy, broker, mint, proxy_port, port)
        try:
            yield built
        finally:
            for client in built.clients:
                client.abort()
            await proxy.stop(0)


async def read_request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one request, the body as it is on the wire."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = line = b""
        while line != b"0\r\n":
            line = await reader.readuntil(b"\r\n")
            body += line
        while line != b"\r\n":
            line = await reader.readuntil(b"\r\n")
            body += line
        return head, body
    size = 0
    for line in lower.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            size = int(line.split(b":")[1])
    return head, await reader.readexactly(size)


@dataclass
class Echo:
    """Answers each request with its own head as the body; keeps what it saw."""

    seen: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            head, body = await read_request(reader)
            self.seen.append((head, body))
            size = 0 if head.startswith(b"HEAD ") else len(head)
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(head)
            writer.write(answer + head[:size])
            await writer.drain()


def request(path: bytes = b"/", method: bytes = b"GET", extra: bytes = b"") -> bytes:
    """A request in origin form."""
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (method, path, HOST.encode(), extra)


def absolute(path: bytes = b"/", method: bytes = b"GET", extra: bytes = b"") -> bytes:
    """A request in absolute form, authenticated."""
    line = b"%b http://%b%b HTTP/1.1\r\n" % (method, HOST.encode(), path)
    return line + b"Host: %b\r\n%b%b\r\n" % (HOST.encode(), AUTH, extra)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells: counts that the proxy keeps."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - the proxy has no event for it
            await asyncio.sleep(0.005)
