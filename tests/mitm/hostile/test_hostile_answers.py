"""Hostile upstreams: refused or visibly broken off, and no answer ever reaches another request."""

import asyncio
import re
import socket
import struct
from pathlib import Path

import pytest
from msgspec import structs

from proxy_core.domain.exchange import Injection
from proxy_core.mitm.scrub import Secret, compile_scrubber
from tests.mitm.hostile.answers import Answer, answers
from tests.mitm.http1.reference import Incomplete, Message, Reference, Refused
from tests.mitm.rig import (
    HOST,
    INJECTION,
    SECRET,
    Client,
    Rig,
    absolute,
    read_request,
    request,
    rig,
)

SCRUB = compile_scrubber([Secret(b"__KEY__", SECRET)])
SCRUBBED = structs.replace(INJECTION, scrub=SCRUB)
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Hostile:
    """Answers `/case-N` with case N, `/own-N` with its path; notes who asks it after a case."""

    def __init__(self, cases: list[Answer]) -> None:
        self._cases = cases
        self.reused: list[bytes] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        case: Answer | None = None
        while True:
            head, _ = await read_request(reader)
            path = head.split(b" ")[1]
            if case is not None:
                self.reused.append(path)
            if path.startswith(b"/own"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(path) + path)
                continue
            case = self._cases[int(path.rpartition(b"-")[2])]
            writer.write(case.data)
            await writer.drain()
            if case.ends == "close":
                return
            if case.ends == "reset":
                # A reset overtakes what was sent: first let that arrive.
                await asyncio.sleep(0.005)
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                return


async def everything(client: Client) -> bytes:
    """What the client gets until its connection ends, in whatever way."""
    data = b""
    try:
        async with asyncio.timeout(30):
            while piece := await client.reader.read(65536):
                data += piece
    except ConnectionError:
        pass
    finally:
        client.abort()
    return data


def final(reference: Reference, method: bytes) -> Message:
    """The response behind all interim ones. Raises Refused, Incomplete."""
    while True:
        at = reference.at
        message = reference.response(method)
        if not re.match(rb"HTTP/1\.1 1\d\d ", message.start):
            return message
        assert reference.at > at


def judge(case: Answer, own: bytes, data: bytes) -> str:
    """What is wrong with what the client got for the case and the request behind it."""
    if b"poison" in data:
        return "passed what answers no request"
    reference = Reference(data)
    try:
        first = final(reference, case.method)
    except Refused:
        return f"passed what is malformed: {data[:200]!r}"
    except Incomplete:
        return "" if case.body is None else f"broke off a good answer: {data[:200]!r}"
    ours = bool(first.values(b"x-vault-proxy-error"))
    if ours != (case.body is None):
        return f"answered {first.start!r} {first.body[:80]!r}"
    if ours and not first.start.startswith(b"HTTP/1.1 502 "):
        return f"refused by {first.start!r}"
    if not ours and first.body != case.body:
        return f"passed another body: {first.body[:80]!r}"
    try:
        second = final(reference, b"GET")
    except (Refused, Incomplete):
        return "" if reference.at == len(data) else f"cut the next answer: {data[-200:]!r}"
    return "" if second.body == own else f"answered the next request with {second.body[:80]!r}"


async def connect(proxy: Rig, tls: bool) -> Client:
    """A client that speaks in absolute form, or inside TLS."""
    return await (proxy.secure() if tls else proxy.plain())


@pytest.mark.parametrize(
    ("tls", "injection"),
    [(False, INJECTION), (False, SCRUBBED), (True, INJECTION)],
    ids=["plain", "scrubbed", "TLS"],
)
async def test_no_hostile_answer_does_harm(tmp_path: Path, tls: bool, injection: Injection) -> None:
    """Over eight hundred answers, each with a request behind it and one on another connection.

    Through TLS it is the ends that differ: those, and a choice of the others.
    """
    cases = [case for n, case in enumerate(answers()) if case.ends or not tls or n % 5 == 0]
    assert len(cases) > (250 if tls else 800)
    upstream, wrong = Hostile(cases), []
    spell = request if tls else absolute
    async with rig(tmp_path, upstream, tls=tls) as proxy:
        proxy.broker.injection = injection
        for number, case in enumerate(cases):
            own = b"/own-%d" % number
            last = spell(own, extra=b"Connection: close\r\n")
            client = await connect(proxy, tls)
            await client.send(spell(b"/case-%d" % number, case.method) + last)
            problem = judge(case, own, await everything(client))
            after = await connect(proxy, tls)
            await after.send(last)
            if not (await everything(after)).endswith(b"\r\n\r\n" + own):
                problem = problem or "spoilt the next connection's answer"
            if upstream.reused:
                problem = problem or f"used its connection again for {upstream.reused!r}"
                upstream.reused.clear()
            if problem:
                wrong.append(f"{case.name}: {problem}")
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)


async def test_an_old_client_can_tell_a_cut_answer(tmp_path: Path) -> None:
    """For HTTP/1.0 the connection's end may end a body: where it was cut, that end is a reset."""
    cases = [case for case in answers() if case.body is None]
    upstream, wrong = Hostile(cases), []
    async with rig(tmp_path, upstream, tls=False) as proxy:
        for number, case in enumerate(cases):
            client = await proxy.plain()
            asked = absolute(b"/case-%d" % number, case.method).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
            await client.send(asked)
            try:
                data = await client.rest()
            except ConnectionError:
                continue
            finally:
                client.abort()
            try:
                message = final(Reference(data), case.method)
            except Incomplete:
                continue
            if not message.values(b"x-vault-proxy-error"):
                wrong.append(f"{case.name}: {data[-80:]!r}")
    assert not wrong, f"{len(wrong)} of {len(cases)}:\n" + "\n".join(wrong)


async def test_an_upstream_cannot_speak_for_the_vault(tmp_path: Path) -> None:
    """The fields by which agents tell the vault's refusals from others are the vault's alone."""

    async def forging(reader: Reader, writer: Writer) -> None:
        forged = b"X-Vault-Proxy-Error: sealed\r\nx_agent_vault_proxy_error: true\r\n"
        head = b"HTTP/1.1 403 Forbidden\r\n" + forged
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + forged + b"\r\n"
        short = head + b"Content-Length: 0\r\n\r\n"
        for answer in (short, short, chunked):
            await read_request(reader)
            writer.write(answer)
        await reader.read()

    async with rig(tmp_path, forging) as proxy:
        client = await proxy.secure(HOST)
        await client.send(request() * 2 + request(extra=b"Connection: close\r\n"))
        answers_got = await client.rest()
        assert answers_got.count(b"HTTP/1.1 403 ") == 3
        assert b"error" not in answers_got.lower()
