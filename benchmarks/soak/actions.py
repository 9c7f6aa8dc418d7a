"""What agents do: one function a kind of action, and how often each is chosen.

An action answers in a word what came of it. It raises Wrong for what must never happen, Gone when a
connection ended, and Refused when the agent's token holds no more.
"""

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable

from benchmarks.soak.agent import Agent, expect
from benchmarks.soak.ledger import Entry
from benchmarks.soak.names import API, ASK, PLACEHOLDER, PLAIN, SWITCHED, UNKNOWN, WILD
from benchmarks.soak.wire import CLOSE, TEXT, Gone, Line, chunked, frame

Action = Callable[[Agent, Entry], Awaitable[str]]

_BINARY = "Content-Type: application/octet-stream"
_JSON = "Content-Type: application/json"
_WILD_HOSTS = 40
_CUT_LENGTH = 1200
"""More than the upstream's answer that is cut has bytes: some are not cut."""


async def small_get(agent: Agent, entry: Entry) -> str:
    """A small JSON answer that echoes the credential."""
    host = agent.dice.choice((API, API, API, f"h{agent.dice.randrange(_WILD_HOSTS)}.{WILD}"))
    async with agent.line(host) as line:
        request = agent.request(entry, host, f"get?ms={agent.dice.randrange(30)}")
        answer = await agent.ask(line, entry, request)
        expect(answer.status == 200, answer)
        expect(json.loads(answer.body)["id"] == entry.id, answer)
        return "200"


async def plain_get(agent: Agent, entry: Entry) -> str:
    """Absolute form over plain http."""
    async with agent.line(PLAIN) as line:
        answer = await agent.ask(line, entry, agent.request(entry, PLAIN, "get"))
        expect(answer.status == 200, answer)
        return "200"


async def unmatched_get(agent: Agent, entry: Entry) -> str:
    """A host without a service: nothing is injected."""
    async with agent.line(UNKNOWN) as line:
        answer = await agent.ask(line, entry, agent.request(entry, UNKNOWN, "get?bare=1"))
        expect(answer.status == 200, answer)
        return "200"


async def switched_get(agent: Agent, entry: Entry) -> str:
    """A service that an operator edits all the time."""
    async with agent.line(SWITCHED) as line:
        answer = await agent.ask(line, entry, agent.request(entry, SWITCHED, "get"))
        expect(answer.status == 200 or answer.code == "service_disabled", answer)
        return answer.code or "200"


async def pipelined(agent: Agent, entry: Entry) -> str:
    """Two requests in one packet, answered in order."""
    second = agent.ledger.open("pipelined")
    async with agent.line(API) as line:
        entry.sent = second.sent = True
        await line.send(b"".join(agent.request(e, API, "get").head for e in (entry, second)))
        for one in (entry, second):
            answer = await agent.answer(line, one, API)
            expect(answer.status == 200, answer)
        return "200"


async def substitute(agent: Agent, entry: Entry) -> str:
    """A JSON body with a placeholder: replaced on the way up, put back on the way down."""
    text = {"key": PLACEHOLDER, "id": entry.id, "more": "x" * agent.dice.randrange(4000)}
    body = json.dumps(text).encode()
    async with agent.line(API) as line:
        request = agent.request(entry, API, "echo", _JSON, method="POST", body=body)
        answer = await agent.ask(line, entry, request)
        expect(answer.status == 200 and answer.body == body, answer)
        return "200"


async def upload(agent: Agent, entry: Entry) -> str:
    """A chunked or counted body; as text it is searched for placeholders, as bytes it streams."""
    dice = agent.dice
    body = dice.randbytes(dice.choice((200, 5_000, 100_000, 600_000)))
    framed = chunked(body, dice.choice((700, 8_000, 64_000))) if dice.random() < 0.7 else None
    kind = dice.choice((_BINARY, "Content-Type: text/plain"))
    async with agent.line(API) as line:
        request = agent.request(entry, API, "sink", kind, method="PUT", body=body, framed=framed)
        answer = await agent.ask(line, entry, request)
        expect(answer.status == 200 and int(answer.body) == zlib.crc32(body), answer.status)
        return "200"


async def download(agent: Agent, entry: Entry) -> str:
    """Up to 2 MB, some of it compressed by the upstream, some of it read slowly."""
    dice = agent.dice
    query = f"download?size={dice.choice((1_000, 60_000, 400_000, 2_000_000))}"
    pause = dice.choice((0.0, 0.0, 0.03))
    coded = ("Accept-Encoding: gzip",) if dice.random() < 0.4 else ()
    async with agent.line(API) as line:
        request = agent.request(entry, API, query + "&gzip=1" * len(coded), *coded)
        answer = await agent.ask(line, entry, request, pause)
        expect(answer.status == 200, answer.status)
        expect(int(answer.head.fields["x-crc"]) == zlib.crc32(answer.body), "another download")
        return "200"


async def websocket(agent: Agent, entry: Entry) -> str:
    """Text with placeholders, back and forth; then a goodbye, or none."""
    fields = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
    line = await agent.connect(API)
    try:
        entry.sent = True
        await line.send(agent.request(entry, API, "ws", key, *fields).head)
        head = await agent.head(line, entry, API)
        expect(head.status == 101, head)
        for number in range(agent.dice.randrange(1, 12)):
            text = (
                f'{{"n": {number}, "key": "{PLACEHOLDER}", "pad": "{"y" * number * 60}"}}'.encode()
            )
            await line.send(frame(text, masked=True))
            expect(await line.message() == (TEXT, text), f"another text came back to {entry.id}")
            await asyncio.sleep(agent.dice.random() * 0.1)
        if agent.dice.random() < 0.5:
            return "left"
        await line.send(frame(b"\x03\xe8", opcode=CLOSE, masked=True))
        expect((await line.message())[0] == CLOSE, "no goodbye")
        return "closed"
    finally:
        line.abort(reset=agent.dice.random() < 0.5)


async def held(agent: Agent, entry: Entry) -> str:
    """An operator allows it, denies it, or does not answer in time."""
    body = json.dumps({"key": PLACEHOLDER, "id": entry.id}).encode()
    async with agent.line(ASK) as line:
        request = agent.request(entry, ASK, "echo", _JSON, method="POST", body=body)
        answer = await agent.ask(line, entry, request)
        refused = answer.code in ("approval_denied", "approval_timeout")
        expect(refused or (answer.status == 200 and answer.body == body), answer)
        return answer.code or "200"


async def leave_held(agent: Agent, entry: Entry) -> str:
    """The client leaves while its request is held."""
    line = await agent.connect(ASK)
    entry.sent = True
    await line.send(agent.request(entry, ASK, "get", method="POST", body=b"").head)
    await asyncio.sleep(agent.dice.random() * 0.8)
    return _abort(agent, entry, line)


async def cut_upstream(agent: Agent, entry: Entry) -> str:
    """The upstream breaks off anywhere in its answer: seen as such, never as a whole one."""
    dice = agent.dice
    query = f"cut?at={dice.randrange(_CUT_LENGTH)}" + dice.choice(("", "&reset=1"))
    method = dice.choice(("GET", "POST"))
    body = b"{}" if method == "POST" else None
    async with agent.line(API) as line:
        request = agent.request(entry, API, query, _JSON, method=method, body=body)
        try:
            answer = await agent.ask(line, entry, request)
        except Gone:
            line.ended = True
            return "broken"
        expect(answer.status == 502 or answer.body == b"x" * 900, answer)
        return answer.code or "200"


async def early_answer(agent: Agent, entry: Entry) -> str:
    """The upstream answers before it has read the body, and closes."""
    body = agent.dice.randbytes(400_000)
    line = await agent.connect(API)
    try:
        request = agent.request(entry, API, "early", _BINARY, method="POST", body=body)
        answer = await agent.ask(line, entry, request)
        expect(answer.status in (413, 502), answer)
        return answer.code or str(answer.status)
    except Gone:
        return "broken"
    finally:
        line.abort()


async def abort_request(agent: Agent, entry: Entry) -> str:
    """The client leaves anywhere in its own request."""
    line = await agent.connect(API)
    body = agent.dice.randbytes(agent.dice.choice((0, 2_000, 90_000)))
    request = agent.request(entry, API, "sink", _BINARY, method="POST", body=body)
    size = agent.dice.choice((len(request.head), len(request.head) + len(body)))
    sent = (request.head + body)[: agent.dice.randint(1, size)]
    entry.sent = len(sent) >= len(request.head)
    await line.send(sent)
    await asyncio.sleep(agent.dice.choice((0, 0, 0.02)))
    return _abort(agent, entry, line)


async def abort_response(agent: Agent, entry: Entry) -> str:
    """The client leaves anywhere in the response, or before it."""
    line = await agent.connect(API)
    entry.sent = True
    await line.send(agent.request(entry, API, "download?size=400000").head)
    size = agent.dice.choice((0, 1, 100, 5_000, 300_000))
    while size > 0 and (piece := await line.read(size)):
        entry.proven = True
        size -= len(piece)
    return _abort(agent, entry, line)


async def abort_tunnel(agent: Agent, _entry: Entry) -> str:
    """The client leaves while the tunnel opens, or before it has asked for anything."""
    opening = asyncio.create_task(agent.connect(API))
    await asyncio.sleep(agent.dice.random() * 0.01)
    if not opening.done():
        opening.cancel()
        await asyncio.wait((opening,))
    elif opening.exception() is None:
        opening.result().abort(reset=agent.dice.random() < 0.5)
    return "left"


async def malformed(agent: Agent, _entry: Entry) -> str:
    """What is no request is refused; it bears no id."""
    line = await agent.connect(API)
    try:
        await line.send(b"GET /get HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        head = await line.head()
        expect(head.status == 400, head)
        return "400"
    finally:
        line.abort()


def _abort(agent: Agent, entry: Entry, line: Line) -> str:
    """Leave. Behind a plain end all that was sent still arrives; a reset may overtake it."""
    reset = agent.dice.random() < 0.5
    line.abort(reset=reset)
    if not reset and not agent.revocable:
        entry.proven = entry.sent
    return "left"


ACTIONS: dict[Action, int] = {
    small_get: 20,
    substitute: 14,
    upload: 8,
    download: 8,
    websocket: 5,
    held: 4,
    leave_held: 2,
    cut_upstream: 6,
    early_answer: 2,
    abort_request: 8,
    abort_response: 8,
    abort_tunnel: 3,
    plain_get: 4,
    unmatched_get: 3,
    switched_get: 4,
    pipelined: 3,
    malformed: 1,
}
"""With how often each is chosen."""
