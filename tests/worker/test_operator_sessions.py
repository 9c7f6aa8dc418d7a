"""What keeps an operator session alive, and what does not."""

from collections.abc import Iterator
from typing import Any

import pytest

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.client.stream import Connected, events_sync
from tests.worker.harness import ThreadedWorker, own_terminal

MINUTE = 60.0

# What a console that is left open goes on asking for.
LOOKS: list[Call[Any]] = [
    calls.status(),
    calls.vaults(),
    calls.services(),
    calls.credentials(),
    calls.logs(),
    calls.agents(),
    calls.sessions(),
    calls.settings(),
    calls.slots(),
    calls.discovered_hosts(),
    calls.match_test("https://example.com/"),
    calls.discover(),
]
# Each is refused for another reason, or changes nothing: the permission is what counts.
USES: list[Call[Any]] = [
    calls.set_credentials({"K": "v"}),
    calls.delete_credentials(["NOT_THERE"]),
    calls.credentials(reveal=True),
    calls.upsert_services([]),
    calls.create_vault("!"),
    calls.change_settings({}),
    calls.revoke_session("not-there"),
    calls.delete_agent("not-there"),
]


@pytest.fixture
def clock(worker: ThreadedWorker) -> Iterator[FakeClock]:
    """The clock of the worker's operator sessions; this terminal has just been unlocked."""
    context = worker.running.app._context
    own, context.clock = context.clock, FakeClock(1_750_000_000.0)
    worker.in_loop(worker.running.app.operators.open, own_terminal(), "tester")
    yield context.clock
    worker.end_operators()
    context.clock = own


def attempt(worker: ThreadedWorker, call: Call[Any], token: str = "") -> None:
    """Send it, whatever comes back."""
    try:
        worker.client(token).send(call)
    except VaultError as error:
        assert error.code not in {"operator_required", "unauthorized", "no_worker"}  # noqa: PT017 - others are as good as success


def test_a_console_left_open_falls_back_to_locked(worker: ThreadedWorker, clock: FakeClock) -> None:
    """Reading, polling and following events do not prolong the session."""
    stream = events_sync(worker.client())
    assert next(stream) == Connected()
    for _ in range(3):
        for call in LOOKS:
            attempt(worker, call)
        clock.advance(4 * MINUTE)
    assert worker.client().send(calls.status()).operator is True
    clock.advance(3 * MINUTE)
    assert worker.client().send(calls.status()).operator is False
    with pytest.raises(VaultError) as caught:
        worker.client().send(calls.set_credentials({"K": "v"}))
    assert caught.value.code == "operator_required"


@pytest.mark.parametrize("call", USES, ids=lambda call: call.path)
@pytest.mark.parametrize("by_token", [False, True])
def test_what_takes_an_operator_prolongs(
    worker: ThreadedWorker, clock: FakeClock, call: Call[Any], by_token: bool
) -> None:
    """Each use gives the full time again, of the terminal or of the token that was sent."""
    token = ""
    if by_token:
        worker.end_operators()
        token = worker.in_loop(worker.running.app.operators.open, None, "script").token
    for _ in range(2):
        clock.advance(14 * MINUTE)
        attempt(worker, call, token)
    clock.advance(14 * MINUTE)
    assert worker.client(token).send(calls.status()).operator is True
