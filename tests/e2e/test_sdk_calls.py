"""A client of the public protocol, from Node.js: what its SDK calls, and what it reads."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from proxy_core.client import calls
from proxy_core.domain.wire import AgentVault
from tests.worker.harness import ThreadedWorker

SCRIPT = Path(__file__).with_name("sdk_calls.mjs")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker that is set up and open."""
    made = ThreadedWorker(tmp_path_factory.mktemp("sdk") / "home").start()
    made.init()
    yield made
    made.stop()


@pytest.mark.parametrize("role", ["member", "owner"])
def test_the_sdks_calls_are_served(
    worker: ThreadedWorker, need: Callable[[str], str], role: str
) -> None:
    """Vaults, credentials, services, sessions and their errors are as such a client expects, for
    whoever may create vaults.
    """
    grant = [AgentVault(vault_name="default", vault_role="admin")]
    made = worker.client().send(calls.create_agent(f"sdk-{role}", role=role, vaults=grant))
    command = [need("node"), str(SCRIPT), f"http://{worker.api}", made.av_agent_token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
