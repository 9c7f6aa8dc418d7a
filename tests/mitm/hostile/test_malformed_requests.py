"""Malformed and ambiguous requests: refused, closed, and nothing of them reaches an upstream."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from proxy_core.mitm.tunnel import TLS_HANDSHAKE
from tests.mitm.hostile.malformed import DIRECT, EVIL, INSIDE, Case, Form, cases
from tests.mitm.http1.reference import Reference
from tests.mitm.rig import Client, Echo, Rig, rig

Open = Callable[[Rig], Awaitable[Client]]


class Recorder(Echo):
    """An upstream that notes each byte, whether or not it makes a request.

    `silent`: it answers nothing. `begun` and `ended` tell of the connection that came last.
    """

    def __init__(self, silent: bool = False) -> None:
        super().__init__()
        self.silent = silent
        self.received = b""
        self.streams: list[bytearray] = []
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._answer(reader, writer)
        finally:
            self.ended.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.streams.append(stream := bytearray())
        while data := await reader.read(65536):
            self.received += data
            stream += data
            self.begun.set()
            if self.silent:
                continue
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def refusal(client: Client, case: Case) -> str:
    """What is wrong with the proxy's answer to the case; empty when nothing is."""
    await client.send(case.data)
    try:
        answer = await client.rest()
    except (TimeoutError, ConnectionError) as error:
        return f"{type(error).__name__} instead of an answer and an end"
    finally:
        client.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not answer.startswith(b"HTTP/1.1 %d " % case.status):
        return f"answered {answer[:60]!r}"
    if (
        b"\r\nConnection: close\r\n" not in head + b"\r\n"
        or b"\r\nX-Vault-Proxy-Error: " not in head
    ):
        return f"answered without the code or the close: {head!r}"
    if b"HTTP/1.1 " in body:
        return "answered a second request behind it"
    return ""


@pytest.mark.parametrize(
    ("form", "connect", "tls"),
    [(DIRECT, Rig.plain, None), (INSIDE, Rig.tunnel, None), (INSIDE, Rig.secure, True)],
    ids=["direct", "in a plain tunnel", "in TLS in a tunnel"],
)
async def test_nothing_malformed_is_forwarded(
    tmp_path: Path, form: Form, connect: Open, tls: bool | None
) -> None:
    """Over a thousand requests, each wrong in one way: 400 or 431, the end, and not a byte.

    What differs by the way in is tried in each; through TLS it's every other one.
    """
    corpus = [case for case in cases(form) if tls or not case.data.startswith(TLS_HANDSHAKE)]
    corpus = corpus[:: 2 if tls else 1]
    assert len(corpus) > 500
    recorder = Recorder()
    wrong: list[str] = []
    async with rig(tmp_path, recorder, tls=tls) as proxy:
        for case in corpus:
            problem = await refusal(await connect(proxy), case)
            if recorder.received:
                problem = f"forwarded {recorder.received[:80]!r}"
                recorder.received = b""
            if problem:
                wrong.append(f"{case.name}: {problem}")
        assert not wrong, "\n".join(wrong)
        client = await connect(proxy)
        good = EVIL % form.prefix
        await client.send(good.replace(b"\r\n\r\n", b"\r\n" + form.credentials + b"\r\n"))
        assert (await client.response())[
            0
        ] == 200  # what stood behind each of them would have passed
        assert recorder.received.startswith(b"GET /evil HTTP/1.1\r\n")


async def test_nothing_malformed_is_gathered(tmp_path: Path) -> None:
    """A body that is read whole for its placeholders is refused as well, wherever it is wrong."""
    item = SecretSubstitution(b"__key__", b"value", frozenset({Surface.BODY}))
    head = INSIDE.request(b"Transfer-Encoding: chunked\r\n").removesuffix(EVIL % b"")
    recorder = Recorder()
    async with rig(tmp_path, recorder, tls=None) as proxy:
        proxy.broker.injection = Injection(substitutions=(item,))
        for case in cases(INSIDE):
            if case.data.startswith(head):
                late = head + b"7\r\n__key__\r\n" + case.data.removeprefix(head)
                problem = await refusal(await proxy.tunnel(), replace(case, data=late))
                assert not problem, case.name
        assert (recorder.received, proxy.memory_used) == (b"", 0)
        assert len(proxy.broker.records) > 100


async def test_nothing_malformed_ends_a_request_that_has_begun(tmp_path: Path) -> None:
    """Wrong chunks behind good ones that went on already: the upstream sees a cut, and no end."""
    head = INSIDE.request(b"Transfer-Encoding: chunked\r\n").removesuffix(EVIL % b"")
    late = [case for case in cases(INSIDE) if case.data.startswith(head)]
    assert len(late) > 100
    async with rig(tmp_path, recorder := Recorder(silent=True), tls=None) as proxy:
        for case in late:
            recorder.received = b""
            recorder.begun.clear()
            recorder.ended.clear()
            client = await proxy.tunnel()
            await client.send(head + b"3\r\nabc\r\n")
            await asyncio.wait_for(recorder.begun.wait(), 30)
            problem = await refusal(client, replace(case, data=case.data.removeprefix(head)))
            assert not problem, case.name
            await asyncio.wait_for(recorder.ended.wait(), 30)
            assert Reference(recorder.received).requests() == ([], "incomplete"), case.name
            assert b"evil" not in recorder.received


async def test_no_part_of_a_request_becomes_one(tmp_path: Path) -> None:
    """A client that leaves at any byte of a request: no upstream takes the part for a whole."""
    body = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
    whole = INSIDE.request(b"Transfer-Encoding: chunked\r\n", body).removesuffix(EVIL % b"")
    async with rig(tmp_path, recorder := Recorder(silent=True), tls=None) as proxy:
        for size in range(len(whole)):
            client = await proxy.tunnel()
            await client.send(whole[:size])
            client.writer.write_eof()
            with contextlib.suppress(ConnectionError):
                await client.rest()
            client.close()
    assert len(recorder.streams) > 20
    assert not [data for data in recorder.streams if Reference(bytes(data)).requests()[0]]
