"""The end of the API's server: answers under way, and those that do not end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from litestar.types import Receive, Scope, Send

from proxy_core.worker.listener import ApiListener

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Application:
    """Answers `done` once it may."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.cut = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cut = True
            raise
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"done", "more_body": False})


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Application, ApiListener, str]]:
    """An application, its listener, and the path of the socket it is on."""
    application, path = Application(), str(tmp_path / "s")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(path)
    listening = ApiListener(application, [bound])
    await listening.start()
    yield application, listening, path
    await listening.stop(0)


async def no_longer_accepting(path: str) -> None:
    """Return once the socket refuses connections."""
    with suppress(ConnectionRefusedError):
        while True:
            _, writer = await asyncio.open_unix_connection(path)
            writer.close()


async def test_an_answer_under_way_is_given(
    served: tuple[Application, ApiListener, str],
) -> None:
    """The end is asked for while it is being made, and comes when it has been sent."""
    application, listening, path = served
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(REQUEST)
    await application.asked.wait()
    stopping = asyncio.create_task(listening.stop(600))
    await no_longer_accepting(path)
    application.may_answer.set()
    assert (await reader.read()).endswith(b"done")
    await stopping
    writer.close()


async def test_an_answer_without_end_is_cut(
    served: tuple[Application, ApiListener, str],
) -> None:
    """It has its grace and no more."""
    application, listening, path = served
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(REQUEST)
    await application.asked.wait()
    await listening.stop(0.01)
    assert application.cut
    writer.close()


async def test_an_idle_connection_holds_nothing_up(
    served: tuple[Application, ApiListener, str],
) -> None:
    """It is closed at once, whatever grace there would be."""
    application, listening, path = served
    reader, writer = await asyncio.open_unix_connection(path)
    application.may_answer.set()
    writer.write(REQUEST)
    await reader.readuntil(b"done")
    await listening.stop(600)
    assert await reader.read() == b""
    writer.close()


async def test_the_date_is_kept_right(
    served: tuple[Application, ApiListener, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers tell the time that it is, not that of the start."""
    application, _, path = served
    application.may_answer.set()
    monkeypatch.setattr("uvicorn.server.time.time", lambda: 4_102_444_800.0)
    reader, writer = await asyncio.open_unix_connection(path)
    answer = b""
    while b"date: Fri, 01 Jan 2100 00:00:00 GMT" not in answer:
        writer.write(REQUEST)
        answer = await reader.readuntil(b"done")
    writer.close()
