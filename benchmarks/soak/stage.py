"""The processes of a soak, set up through the worker's API: upstream, worker, vault, agents."""

import asyncio
import contextlib
import json
import secrets
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import trustme

from benchmarks.soak.names import (
    API,
    ASK,
    DOMAIN,
    PLACEHOLDER,
    PLAIN,
    REAL,
    SUBSTITUTED,
    SWITCHED,
    WILD,
)
from benchmarks.tools import ROOT, running
from benchmarks.worker import Worker, serving
from proxy_core.client import calls
from proxy_core.client.calls import Call

T = TypeVar("T")

HOLD_SECONDS, POOL_IDLE_SECONDS = 2, 2


@dataclass(slots=True)
class Stage:
    """`tokens` are the agents' by name, replaced as they are rotated."""

    directory: Path
    worker: Worker
    report_port: int
    trust: ssl.SSLContext
    tokens: dict[str, str] = field(repr=False)

    @property
    def proxy(self) -> tuple[str, int]:
        """Where agents connect to."""
        host, _, port = self.worker.proxy.rpartition(":")
        return host, int(port)

    @property
    def database(self) -> Path:
        """The worker's SQLite file."""
        return self.worker.home / "vault.db"

    @property
    def complaints(self) -> list[str]:
        """What the worker wrote about faults of its own."""
        lines = (self.directory / "worker.log").read_text().splitlines()
        words = (" WARNING ", " ERROR ", " CRITICAL ", "Traceback", "never retrieved")
        return [line for line in lines if any(word in line for word in words)]

    async def send(self, call: Call[T]) -> T:
        """A call of the operator's; no connection stays open behind it."""
        return await asyncio.to_thread(self.worker.send, call)

    async def report(self) -> dict[str, Any]:
        """What the upstream has to tell."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.report_port)
        told: dict[str, Any] = json.loads(await reader.read())
        writer.close()
        return told


@contextlib.contextmanager
def staged(directory: Path, agents: int) -> Iterator[Stage]:
    """Everything runs inside; both processes have ended afterwards."""
    certificate, key, roots = _certificates(directory)
    python = [sys.executable, "-m"]
    upstream = [*python, "benchmarks.soak.upstream", str(certificate), str(key)]
    with contextlib.ExitStack() as stack:
        noise = stack.enter_context((directory / "upstream.log").open("w"))
        log = stack.enter_context((directory / "worker.log").open("w"))
        _, line = stack.enter_context(running(upstream, cwd=ROOT, stderr=noise))
        secure, plain, report = map(int, line.split()[1:])
        options = [f"--upstream-ca={roots}"]
        options += ["--connect-to", f":443:127.0.0.1:{secure}"]
        options += ["--connect-to", f":80:127.0.0.1:{plain}"]
        worker = stack.enter_context(
            serving(
                directory / "home",
                options,
                [*python, "benchmarks.soak.probed_worker"],
                env={"SOAK_PROBE": str(directory / "probe.json")},
                stderr=log,
            )
        )
        trust = ssl.create_default_context(cadata=worker.send(calls.ca_pem()))
        _set_up(worker)
        tokens = {name: worker.agent(name) for name in (f"agent-{n}" for n in range(agents))}
        yield Stage(directory, worker, report, trust, tokens)


def service(name: str, host: str, **more: object) -> dict[str, Any]:
    """A service that injects the credential and replaces the placeholder wherever it may."""
    substitution = {"key": "SOAK_KEY", "placeholder": PLACEHOLDER, "in": ["body", "websocket"]}
    return {
        "name": name,
        "host": host,
        "auth": {"type": "bearer", "token": "SOAK_TOKEN"},
        "substitutions": [substitution],
    } | more


def new_values() -> dict[str, str]:
    """Both credentials, each a value that no other version had."""
    return {
        "SOAK_TOKEN": REAL + secrets.token_urlsafe(30),
        "SOAK_KEY": SUBSTITUTED + secrets.token_urlsafe(30),
    }


def _certificates(directory: Path) -> tuple[Path, Path, Path]:
    authority = trustme.CA()
    leaf = authority.issue_cert(f"*.{DOMAIN}", f"*.{WILD}")
    files = directory / "cert.pem", directory / "key.pem", directory / "roots.pem"
    files[0].write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(files[1]))
    authority.cert_pem.write_to_path(str(files[2]))
    return files


def _set_up(worker: Worker) -> None:
    worker.send(calls.set_credentials(new_values()))
    asks = [{"methods": ["POST"], "path": "/*", "action": "ask"}]
    services = [
        service("api", API),
        service("ask", ASK, rules=asks),
        service("switched", SWITCHED),
        service("plain", PLAIN, allow_http=True),
        service("wild", f"*.{WILD}"),
    ]
    worker.send(calls.replace_services(services))
    settings = {"hold_seconds": HOLD_SECONDS, "pool_idle": POOL_IDLE_SECONDS}
    worker.send(calls.change_settings(settings))
