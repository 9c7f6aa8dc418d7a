"""Requests that wait for an operator, over real sockets and TLS."""

import asyncio
import socket
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Decision
from tests.mitm.rig import SECRET, SERVICE, Client, Echo, Rig, absolute, request, rig, until

ALLOWED = Decision("main", SERVICE, "service api; ada allowed it", ("KEY",))
BODY = b'{"text": "hello", "token": "s3cr3t-of-the-agent"}'
JSON = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)


async def held(built: Rig, client: Client, data: bytes) -> "asyncio.Future[Decision]":
    """Send a request that has to wait; where its verdict goes."""
    built.broker.held.clear()
    await client.send(data)
    async with asyncio.timeout(30):
        await built.broker.held.wait()
    assert built.broker.verdict is not None
    return built.broker.verdict


async def cancelled(built: Rig) -> None:
    """Wait until the hold has been given up."""
    async with asyncio.timeout(30):
        await built.broker.cancelled.wait()


async def test_an_allowed_request_gets_its_response_as_if_nothing_had_happened(
    tmp_path: Path,
) -> None:
    """Nothing goes upstream before; then body, credential and response are whole, and the
    connection carries the next request."""
    echo = Echo()
    async with rig(tmp_path, echo) as built:
        built.broker.asks = True
        client = await built.secure()
        verdict = await held(built, client, request(b"/send", b"POST", JSON) + BODY)
        assert (echo.seen, echo.connections) == ([], 0)
        verdict.set_result(ALLOWED)
        status, _, answer = await client.response()
        assert (status, SECRET in answer) == (200, True)
        assert echo.seen[0][1] == BODY
        built.broker.asks = False
        await client.send(request(b"/next"))
        assert (await client.response())[0] == 200
        first, _ = await built.broker.wait_records(2)
        assert (first.status, first.decision, first.matched_service) == (200, "injected", "api")
        assert (first.reason, first.bytes_up) == (ALLOWED.reason, len(BODY))
        assert built.broker.admitted == 0


async def test_the_time_that_an_operator_takes_is_no_latency(tmp_path: Path) -> None:
    """It is told apart, of requests that were allowed and refused; others were not held."""
    loop = asyncio.get_running_loop()
    async with rig(tmp_path, Echo()) as built:
        client = await built.secure()
        built.broker.asks = True
        took = []
        for _ in range(2):
            begun = loop.time()
            verdict = await held(built, client, request())
            await asyncio.sleep(0.3)
            if built.broker.records:
                verdict.set_exception(VaultError("approval_denied", "ada said no"))
            else:
                verdict.set_result(ALLOWED)
            await client.response()
            took.append((loop.time() - begun) * 1000)
        built.broker.asks = False
        await client.send(request())
        await client.response()
        *asked, other = await built.broker.wait_records(3)
        for record, all_ms in zip(asked, took, strict=True):
            assert record.held_ms >= 300
            assert record.first_byte_ms <= record.latency_ms <= all_ms - record.held_ms + 1
        assert other.held_ms == -1


async def test_consoles_are_told_that_a_request_waits_and_that_it_goes_on(tmp_path: Path) -> None:
    """Both under one id, with the reason that asks, and without a credential before."""
    async with rig(tmp_path, Echo()) as built:
        built.broker.asks = True
        client = await built.secure()
        verdict = await held(built, client, request())
        (waiting,) = built.broker.starts
        assert (waiting.decision, waiting.held_ms, waiting.credential_keys) == ("held", 0, ())
        assert waiting.reason
        verdict.set_result(ALLOWED)
        await client.response()
        _, going = built.broker.starts
        assert (going.request_id, going.decision) == (waiting.request_id, "")
        assert going.held_ms >= 0
        assert going.credential_keys == ("KEY",)


async def test_the_operator_sees_of_the_body_what_has_come(tmp_path: Path) -> None:
    """What is there already, with what looks like a secret left out; nothing of an encoded one."""
    async with rig(tmp_path, Echo()) as built:
        built.broker.asks = True
        for extra in (JSON, JSON + b"Content-Encoding: gzip\r\n"):
            client = await built.secure()
            await held(built, client, request(b"/send", b"POST", extra) + BODY)
        await held(built, await built.secure(), request())
        assert built.broker.previews == [
            '{"text": "hello", "token": "•••"}',
            "encoded as gzip, not shown",
            "",
        ]


async def test_a_body_that_comes_while_it_waits_is_forwarded_whole(tmp_path: Path) -> None:
    """More than is read ahead, too: the rest waits in the client."""
    echo = Echo()
    async with rig(tmp_path, echo) as built:
        built.broker.asks = True
        client = await built.secure()
        body = bytes(range(256)) * 2000
        head = request(b"/up", b"PUT", b"Content-Length: %d\r\n" % len(body))
        verdict = await held(built, client, head)
        sending = asyncio.create_task(client.send(body))
        await asyncio.sleep(0.05)
        verdict.set_result(ALLOWED)
        assert (await client.response())[0] == 200
        await sending
        assert echo.seen[0][1] == body


@pytest.mark.parametrize("code", ["approval_denied", "approval_timeout", "overloaded"])
async def test_a_refused_request_is_answered_and_the_connection_goes_on(
    tmp_path: Path, code: str
) -> None:
    """With the code, in the log with its service, and without a credential."""
    echo = Echo()
    async with rig(tmp_path, echo) as built:
        built.broker.asks = True
        client = await built.secure()
        for _ in range(2):
            verdict = await held(built, client, request(b"/send", b"POST", JSON) + BODY)
            verdict.set_exception(VaultError(code, "ada said no"))
            status, head, _ = await client.response()
            assert status == (503 if code == "overloaded" else 403)
            assert b"X-Vault-Proxy-Error: " + code.encode() in head
        records = await built.broker.wait_records(2)
        assert [record.error_code for record in records] == [code] * 2
        assert [record.matched_service for record in records] == ["api"] * 2
        assert records[0].credential_keys == records[0].injected_headers == ()
        assert echo.seen == []
        assert [start.decision for start in built.broker.starts] == ["held"] * 2


@pytest.mark.parametrize("how", ["goodbye", "reset"])
async def test_a_client_that_leaves_cancels_its_hold(tmp_path: Path, how: str) -> None:
    """At once, properly or not; the record says that it left."""
    async with rig(tmp_path, Echo()) as built:
        built.broker.asks = True
        client = await built.secure()
        await held(built, client, request(b"/send", b"POST", JSON) + BODY)
        client.close() if how == "goodbye" else client.abort()
        await cancelled(built)
        (record,) = await built.broker.wait_records(1)
        assert (record.status, record.reason) == (0, "client left")
        await until(lambda: built.proxy.connections == 0)
        assert built.broker.admitted == 0


@pytest.mark.parametrize("how", ["end", "reset"])
async def test_a_client_that_leaves_behind_a_large_body_cancels_its_hold(
    tmp_path: Path, how: str
) -> None:
    """Its end is noticed though more has come than is read while it waits."""
    async with rig(tmp_path, Echo()) as built:
        built.broker.asks = True
        client = await built.secure()
        body = b"x" * 100_000
        head = request(b"/up", b"PUT", b"Content-Length: %d\r\n" % len(body))
        await held(built, client, head + body)
        if how == "reset":
            client.abort()
        else:
            client.writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        await cancelled(built)


async def test_a_plain_client_that_leaves_cancels_its_hold(tmp_path: Path) -> None:
    """Its clean end may be half of one: it gets the time that others get, and no more."""
    async with rig(tmp_path, Echo(), tls=None) as built:
        built.broker.asks = True
        built.configure(half_close_grace=0.05)
        client = await built.plain()
        await held(built, client, absolute())
        client.close()
        await cancelled(built)


async def test_a_revoked_token_ends_its_hold(tmp_path: Path) -> None:
    """The tunnel is cut, the hold with it."""
    async with rig(tmp_path, Echo()) as built:
        built.broker.asks = True
        client = await built.secure()
        await held(built, client, request())
        built.proxy.close_for_token(b"t" * 32)
        await cancelled(built)
        (record,) = await built.broker.wait_records(1)
        assert record.error_code == "proxy_auth_required"


async def test_a_hold_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """Other connections are served meanwhile."""
    async with rig(tmp_path, Echo()) as built:
        built.broker.asks = True
        waiting = await built.secure()
        verdict = await held(built, waiting, request(b"/one"))
        built.broker.asks = False
        other = await built.secure()
        await other.send(request(b"/two"))
        assert (await other.response())[0] == 200
        verdict.set_result(ALLOWED)
        assert (await waiting.response())[0] == 200


async def test_what_is_beyond_the_rate_is_told_when_to_come_back(tmp_path: Path) -> None:
    """429 with Retry-After, and the connection goes on; the refusal is not counted."""
    async with rig(tmp_path, Echo()) as built:
        client = await built.secure()
        built.broker.refused_admission = VaultError("rate_limited", "too fast", retry_after=7)
        await client.send(request())
        status, head, _ = await client.response()
        assert (status, b"\r\nRetry-After: 7\r\n" in head) == (429, True)
        built.broker.refused_admission = None
        await client.send(request())
        assert (await client.response())[0] == 200
        await built.broker.wait_records(2)
        assert built.broker.admitted == 0


async def test_the_broker_is_told_the_clients_address(tmp_path: Path) -> None:
    """For CONNECT and for absolute targets: its budget of wrong tokens is kept by it."""
    async with rig(tmp_path, Echo()) as built:
        await built.tunnel()
        await (await built.plain()).send(absolute())
        await built.broker.wait_records(1)
        assert built.broker.addresses == ["127.0.0.1", "127.0.0.1"]
