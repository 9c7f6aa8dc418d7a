"""Borrowed credentials on the data path: details given, responses observed, loans given back."""

import asyncio
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.exchange import Decision, Injection, Loan, RequestDetails, ResponseFacts
from proxy_core.mitm import first_event
from proxy_core.mitm.forwarding import ATTEMPTS
from tests.cloud.checking import KEY_ID, SECRET
from tests.mitm.rig import Rig, read_request, request, rig, until

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
JSON = b"Content-Type: application/json; charset=utf-8\r\n"
BODY = json.dumps(
    {"model": "claude-opus-4-1", "metadata": {"user_id": "user_1_session_0b6ae2f0-6f4e"}}
).encode()
OVERLOAD = b'event: error\ndata: {"error":{"type":"overloaded_error"}}\n\n'


def loan(number: int) -> Loan:
    """The loan of the attempt with this number."""
    return Loan("v", "KEY", f"login-{number}", number, f"id-{number}", f"account {number}", "why")


def lend(proxy: Rig) -> None:
    """Each injection is another loan; every refusal is reconsidered."""
    broker = proxy.broker
    broker.pooled = broker.reconsiders = True

    async def inject(decision: Decision, details: RequestDetails) -> Injection:
        broker.details.append(details)
        number = len(broker.details)
        return Injection(((b"Authorization", b"Bearer %d" % number),), loan=loan(number))

    async def again(
        decision: Decision, lent: Loan | None, response: ResponseFacts
    ) -> Decision | None:
        broker.responses.append(response)
        if broker.answer_instead is not None:
            raise broker.answer_instead
        return replace(decision, reason="again")

    broker.inject = inject  # type: ignore[method-assign]
    broker.reconsider = again  # type: ignore[method-assign]


class Answers:
    """Gives one answer after the other, the last one for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[bytes, bytes]] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        while True:
            self.seen.append(await read_request(reader))
            one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(one)
            await writer.drain()


def response(
    status: int, body: bytes = b"", kind: bytes = b"text/plain", more: bytes = b""
) -> bytes:
    """A whole response."""
    head = b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n"
    return head % (status, kind, len(body), more) + body


def post(body: bytes, extra: bytes = JSON) -> bytes:
    """A POST with a length."""
    return request(b"/", b"POST", extra + b"Content-Length: %d\r\n" % len(body)) + body


async def test_what_a_request_says_of_itself(tmp_path: Path) -> None:
    """Model and conversation of its body, and its header fields; the body goes on unchanged."""
    upstream = Answers(response(200))
    async with rig(tmp_path, upstream) as proxy:
        lend(proxy)
        client = await proxy.secure()
        for body in (BODY, BODY + b" " * 300_000):
            await client.send(post(body, JSON + b"Session-Id: s1\r\n"))
            assert (await client.response())[0] == 200
        for details in proxy.broker.details:
            assert (details.model, details.conversation) == ("claude-opus-4-1", "0b6ae2f0-6f4e")
            assert (b"Session-Id", b"s1") in details.headers
        assert [len(body) for _, body in upstream.seen] == [len(BODY), len(BODY) + 300_000]
        assert proxy.memory_used == 0


@pytest.mark.parametrize(
    ("extra", "limit"),
    [
        (b"Content-Type: text/plain\r\n", {}),
        (JSON + b"Content-Encoding: gzip\r\n", {}),
        (JSON, {"replay_limit": 50}),
        (JSON, {"body_memory": 50}),
    ],
)
async def test_bodies_that_are_not_looked_into(
    tmp_path: Path, extra: bytes, limit: dict[str, int]
) -> None:
    """Of another type, coded, or too large to be kept: header fields alone."""
    async with rig(tmp_path, Answers(response(200))) as proxy:
        lend(proxy)
        proxy.configure(**limit)
        client = await proxy.secure()
        await client.send(post(BODY, extra))
        assert (await client.response())[0] == 200
        (details,) = proxy.broker.details
        assert (details.model, details.conversation) == ("", "")
        assert details.headers


async def test_a_body_that_waits_for_permission(tmp_path: Path) -> None:
    """The proxy gives it, and asks the upstream for none."""
    upstream = Answers(response(200))
    async with rig(tmp_path, upstream) as proxy:
        lend(proxy)
        client = await proxy.secure()
        whole = post(BODY, JSON + b"Expect: 100-continue\r\n")
        await client.send(whole[: -len(BODY)])
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(BODY)
        assert (await client.response())[0] == 200
        assert b"expect" not in upstream.seen[0][0].lower()
        assert proxy.broker.details[0].model == "claude-opus-4-1"


async def test_a_client_that_leaves_within_its_body(tmp_path: Path) -> None:
    """Nothing is borrowed for it, nothing is held."""
    async with rig(tmp_path, Answers(response(200))) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY)[:-5])
        await asyncio.sleep(0)
        client.abort()
        await proxy.broker.wait_records(1)
        assert not proxy.broker.details
        assert proxy.memory_used == 0


async def test_every_response_is_observed_and_every_loan_given_back(tmp_path: Path) -> None:
    """Once each, in order; the record has the account that served, and why."""
    upstream = Answers(response(429), response(503), response(200))
    async with rig(tmp_path, upstream) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        assert (await client.response())[0] == 200
        (record,) = await proxy.broker.wait_records(1)
        broker = proxy.broker
        assert broker.observed == [(loan(1), 429), (loan(2), 503), (loan(3), 200)]
        assert broker.given_back == [loan(1), loan(2), loan(3)]
        assert (record.account, record.account_reason) == ("account 3", "why")
        assert (record.retries, record.status) == (2, 200)
        assert [head.split(b"Bearer ")[1][:1] for head, _ in upstream.seen] == [b"1", b"2", b"3"]


async def test_no_more_attempts_than_there_may_be(tmp_path: Path) -> None:
    """The last refusal passes; the broker has heard of it."""
    upstream = Answers(response(429, b"no"))
    async with rig(tmp_path, upstream) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        assert (await client.response())[::2] == (429, b"no")
        assert len(upstream.seen) == len(proxy.broker.responses) == ATTEMPTS
        await proxy.broker.wait_records(1)
        assert len(proxy.broker.given_back) == ATTEMPTS


async def test_an_answer_of_our_own_instead(tmp_path: Path) -> None:
    """When the broker says so; the connection to the client goes on."""
    upstream = Answers(response(429, b"no"), response(200, b"yes"))
    async with rig(tmp_path, upstream) as proxy:
        lend(proxy)
        proxy.broker.answer_instead = VaultError("accounts_exhausted", "all", retry_after=7)
        client = await proxy.secure()
        await client.send(post(BODY))
        status, head, _ = await client.response()
        assert status == 429
        assert b"X-Vault-Proxy-Error: accounts_exhausted\r\n" in head
        assert b"Retry-After: 7\r\n" in head
        await client.send(post(BODY))
        assert (await client.response())[2] == b"yes"
        records = await proxy.broker.wait_records(2)
        assert [record.error_code for record in records] == ["accounts_exhausted", ""]
        assert proxy.broker.given_back == [loan(1), loan(2)]


async def test_a_client_that_leaves_while_its_request_is_under_way(tmp_path: Path) -> None:
    """Its loan is given back all the same."""
    asked = asyncio.Event()

    async def silent(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        asked.set()
        await reader.read()

    async with rig(tmp_path, silent) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        await asked.wait()
        client.abort()
        await until(lambda: proxy.broker.given_back == [loan(1)])


# --- keys that are refused in a body -------------------------------------------------------------

GZIP = b"Content-Encoding: gzip\r\n"
EXPIRED = b"<?xml version='1.0'?>\n<Error><Code>ExpiredToken</Code></Error>"
XML = b"application/xml"


def sign(proxy: Rig, lent: Loan | None = loan(1)) -> None:  # noqa: B008 - it can't be changed
    """Sign with keys that were lent, or with stored ones."""
    proxy.broker.reconsiders = True
    signer = AwsSigner(AwsKeys(KEY_ID, SECRET, "session"), "s3", "us-west-2")
    proxy.broker.injection = Injection(signer=signer, loan=lent)
    proxy.broker.second = Injection(signer=signer)


@pytest.mark.parametrize(
    ("refusal", "lent", "body"),
    [
        (response(400, EXPIRED, XML), loan(1), EXPIRED),
        (response(400, gzip.compress(EXPIRED), XML, GZIP), loan(1), EXPIRED),
        (response(403), loan(1), b""),
        (response(400, EXPIRED + b" " * first_event.LOOK_AT, XML), loan(1), b""),
        (response(400, EXPIRED, XML), None, b""),
        (response(503, EXPIRED, XML), loan(1), b""),
    ],
    ids=["plain", "coded", "empty", "long", "stored keys", "a fault"],
)
async def test_what_is_seen_of_a_refusals_body(
    tmp_path: Path, refusal: bytes, lent: Loan | None, body: bytes
) -> None:
    """All of a short one's, where the keys were lent; the next answer is the client's."""
    async with rig(tmp_path, Answers(refusal, response(200, b"yes"))) as proxy:
        sign(proxy, lent)
        client = await proxy.secure()
        await client.send(post(BODY))
        assert (await client.response())[2] == b"yes"
        assert proxy.broker.responses[0].body == body


async def test_a_refusal_that_was_looked_into_passes_whole(tmp_path: Path) -> None:
    """When the broker leaves it at that, the client gets it byte for byte."""
    async with rig(tmp_path, Answers(response(400, EXPIRED, XML))) as proxy:
        sign(proxy)
        proxy.broker.second = None
        client = await proxy.secure()
        for _ in range(2):
            await client.send(post(BODY))
            assert (await client.response())[::2] == (400, EXPIRED)


# --- streams that begin with an error ------------------------------------------------------------

EVENTS = b"text/event-stream; charset=utf-8"


@pytest.mark.parametrize(
    "refusal",
    [
        response(200, OVERLOAD, EVENTS),
        response(200, gzip.compress(OVERLOAD), EVENTS, b"Content-Encoding: gzip\r\n"),
        b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"10\r\n"
        + OVERLOAD[:16]
        + b"\r\n%x\r\n" % len(OVERLOAD[16:])
        + OVERLOAD[16:]
        + b"\r\n0\r\n\r\n",
    ],
)
async def test_a_stream_that_begins_with_an_error(tmp_path: Path, refusal: bytes) -> None:
    """The broker gets the event, and the client what comes instead."""
    async with rig(tmp_path, Answers(refusal, response(200, b"yes"))) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        assert (await client.response())[2] == b"yes"
        (facts,) = proxy.broker.responses
        assert (facts.status, facts.event) == (200, b'{"error":{"type":"overloaded_error"}}')


async def test_streams_that_begin_well_are_not_asked_about(tmp_path: Path) -> None:
    """They pass byte for byte, the first event included."""
    text = b"event: ping\ndata: {}\n\n" + OVERLOAD
    async with rig(tmp_path, Answers(response(200, text, EVENTS))) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        assert (await client.response())[2] == text
        assert not proxy.broker.responses


async def test_a_stream_that_is_silent_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its head goes on without its first event."""
    monkeypatch.setattr(first_event, "PATIENCE", 0.05)
    go = asyncio.Event()

    async def slow(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(response(200, OVERLOAD, EVENTS)[: -len(OVERLOAD)])
        await go.wait()
        writer.write(OVERLOAD)
        await reader.read()

    async with rig(tmp_path, slow) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        assert (await client.head()).startswith(b"HTTP/1.1 200 ")
        go.set()
        assert await client.exactly(len(OVERLOAD)) == OVERLOAD
        assert not proxy.broker.responses


@pytest.mark.parametrize(
    "strange",
    [
        response(200, b"event: error" * 3000, EVENTS),
        response(200, b"not gzip", EVENTS, b"Content-Encoding: gzip\r\n"),
        response(200, OVERLOAD, EVENTS, b"Content-Encoding: rot13\r\n"),
        response(200, b"", EVENTS),
    ],
)
async def test_streams_that_can_not_be_read(tmp_path: Path, strange: bytes) -> None:
    """They pass as they came."""
    async with rig(tmp_path, Answers(strange)) as proxy:
        lend(proxy)
        client = await proxy.secure()
        await client.send(post(BODY))
        _, _, body = await client.response()
        assert strange.endswith(b"\r\n\r\n" + body)
        assert not proxy.broker.responses
