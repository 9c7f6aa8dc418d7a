"""An agent that knows nothing but HTTP, and an administrator at the console in a terminal."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests import tmux
from tests.e2e import test_proposing
from tests.e2e.conftest import World
from tests.tmux import Terminal

VAULT = "zz-decided"
SECONDS = 40.0

if tmux.MISSING:
    pytest.skip("tmux is missing: deciding was NOT tested", allow_module_level=True)


@pytest.fixture(scope="module")
def administrator(world: World) -> Iterator[Terminal]:
    """The console, on the screen of proposals of a vault that denies what it does not know."""
    world.command("vault", "create", VAULT)
    world.command("vault", "settings", VAULT, "--unmatched-hosts", "deny")
    found = Terminal(world.home)
    try:
        found.until("● unsealed", SECONDS)
        found.keys("v")
        found.until(VAULT, SECONDS)
        found.keys("End", "Enter")
        found.until_that(lambda text: VAULT in text.splitlines()[0], "the vault", SECONDS)
        found.keys("2")
        found.until("No proposal waits", SECONDS)
        yield found
    finally:
        found.close()


def an_agent(world: World, name: str) -> test_proposing.Agent:
    """It has a token and two addresses."""
    token = world.agent(name, "--vault", VAULT)
    return test_proposing.Agent(token, world.api, world.proxy, VAULT)


def proposed(agent: test_proposing.Agent, host: str, why: str) -> int:
    """Refused with a hint, it proposes what the hint says."""
    status, problem = agent.fetch(host, "/echo")
    assert (status, problem["code"]) == (403, "forbidden")
    hint = problem["proposal_hint"]
    method, path = hint["endpoint"].split()
    auth = {"type": "bearer", "token": "API_TOKEN"}
    body: dict[str, Any] = {
        "services": [{"action": "set", "name": "api", "host": hint["host"], "auth": auth}],
        "credentials": [{"action": "set", "key": "API_TOKEN"}],
        "message": why,
    }
    status, made = agent.ask(method, path, body)
    assert status == 201
    return int(made["id"])


def read(administrator: Terminal, why: str) -> str:
    """Enter gives the proposal the whole screen, once it is there."""
    administrator.until("proposed", SECONDS)
    administrator.until("NOW, AND AFTER", SECONDS)
    administrator.keys("Enter")
    return administrator.until(why, SECONDS)


def confirmed(administrator: Terminal, world: World) -> None:
    """The first change asks for a proof, as this terminal is not unlocked."""
    text = administrator.until_that(
        lambda text: "Prove a key slot" in text or "No proposal waits" in text, "proof", SECONDS
    )
    if "Prove a key slot" in text:
        administrator.type(world.master)
        administrator.keys("Enter")
        administrator.until("No proposal waits", SECONDS)


def test_rejected_in_the_console_with_a_reason(world: World, administrator: Terminal) -> None:
    """x, a reason, Enter: the agent's wait answers with it, and the host stays denied."""
    agent = an_agent(world, "told-why")
    number = proposed(agent, "git.test", "to clone")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(agent.ask, "GET", f"/v1/proposals/{number}?wait=60")
        read(administrator, "to clone")
        administrator.keys("x")
        administrator.until("The agent reads the reason", SECONDS)
        administrator.type("ask ops first")
        administrator.keys("Enter")
        confirmed(administrator, world)
        status, decided = waiting.result(60)
    assert (status, decided["status"]) == (200, "rejected")
    assert decided["review_note"] == "ask ops first"
    assert agent.fetch("git.test", "/echo")[0] == 403


def test_approved_in_the_console_with_a_masked_key(world: World, administrator: Terminal) -> None:
    """The bell's screen, a look, the key typed unseen; the wait answers and the retry is served."""
    agent = an_agent(world, "served")
    number = proposed(agent, "api.test", "to read the echo")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(agent.ask, "GET", f"/v1/proposals/{number}?wait=60")
        assert "+ new service api" in read(administrator, "to read the echo")
        administrator.keys("a")
        administrator.until("Still to do: value of API_TOKEN", SECONDS)
        administrator.type(world.token)
        shown = administrator.until("All there", SECONDS)
        assert world.token not in shown
        administrator.keys("Enter")
        administrator.keys("Right")
        administrator.keys("Enter")
        confirmed(administrator, world)
        status, decided = waiting.result(60)
    assert (status, decided["status"]) == (200, "applied")
    status, echoed = agent.fetch("api.test", "/echo")
    assert status == 200
    assert world.token not in str(echoed)
