"""A worker of this project, set up through its API as an operator would."""

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.tools import ROOT, running
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire

T = TypeVar("T")

VAULT_TUI = str(Path(sys.executable).with_name("vault-tui"))


@dataclass(slots=True)
class Worker:
    """A worker that serves, its vault open. `proxy` is HOST:PORT, `operator` may do everything."""

    process: "subprocess.Popen[str]"
    home: Path
    proxy: str
    socket: Path
    operator: SyncClient

    def send(self, call: Call[T]) -> T:
        """Carry out an operator's call."""
        return self.operator.send(call)

    def agent(self, name: str) -> str:
        """The token of an agent that is made for the default vault."""
        grant = wire.AgentVault(vault_name="default")
        return self.send(calls.create_agent(name, vaults=[grant])).av_agent_token

    def save_ca(self, path: Path) -> Path:
        """The certificate that agents have to trust, as a file."""
        path.write_text(self.send(calls.ca_pem()))
        return path

    @property
    def environment(self) -> Mapping[str, str]:
        """For commands that talk to this worker."""
        return {**os.environ, "VAULT_TUI_HOME": str(self.home)}


@contextlib.contextmanager
def serving(
    home: Path,
    options: Sequence[str],
    command: Sequence[str] = (VAULT_TUI, "worker"),
    **popen: Any,
) -> Iterator[Worker]:
    """A worker with a new home; it has ended afterwards. `popen` is for subprocess.Popen."""
    ports = ("--port=0", "--proxy-port=0")
    environment = {**os.environ, "VAULT_TUI_HOME": str(home), **popen.pop("env", {})}
    with running([*command, *ports, *options], cwd=ROOT, env=environment, **popen) as started:
        process, line = started
        facts = dict(part.split("=", 1) for part in line.split()[1:])
        socket = Path(facts["socket"])
        yield Worker(process, home, facts["proxy"], socket, _operator(socket))


def _operator(socket: Path) -> SyncClient:
    """Initialise the vault; a client that is an operator's."""
    password = secrets.token_urlsafe(24)
    nobody = SyncClient(Target(socket))
    nobody.send(calls.init("password", password))
    session = nobody.send(calls.unlock("password", password, for_command=True))
    return SyncClient(Target(socket, token=session.token))
