"""Proposals in the console over a real worker: raised over HTTP, decided elsewhere."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy_core.client import calls
from proxy_core.domain import wire
from tests.console.harness import running, text_of, until
from tests.worker.harness import ThreadedWorker
from vault_tui.app import ConsoleApp
from vault_tui.worker_link import opener


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is set up."""
    found = ThreadedWorker(tmp_path / "home").start()
    found.init()
    yield found
    found.stop()


async def test_another_consoles_decision_is_seen_and_its_secrets_are_not(worker: ThreadedWorker):
    """Agent, this console and another operator: each change arrives by event alone."""
    other = worker.client()

    async def send(call: calls.Call[Any]) -> None:
        await asyncio.to_thread(other.send, call)

    document = wire.CreateProposal(
        services=[
            {
                "action": "set",
                "name": "api",
                "host": "api.acme.test",
                "auth": {"type": "bearer", "token": "API_TOKEN"},
            }
        ],
        credentials=[wire.ProposedCredential(key="API_TOKEN", value="of-the-agent")],
    )
    app = ConsoleApp(opener(worker.config.home), where="here")
    async with running(app) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        await send(calls.create_proposal(document, "default"))
        await until(pilot, lambda: "+ new service api" in text_of(app))
        assert "has a value, the agent's" in text_of(app)
        assert "◷ 1 proposed" in text_of(app)
        assert "of-the-agent" not in repr(app.state)
        await send(calls.approve_proposal(1))
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        await until(pilot, lambda: "proposed" not in text_of(app).splitlines()[0])
        await pilot.press("5")
        await until(pilot, lambda: "api.acme.test" in text_of(app))
