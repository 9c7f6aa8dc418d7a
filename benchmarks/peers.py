"""The proxies that are compared, each started as its own users would start it."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import BENCH_BIN, CREDENTIAL, PROXY_CORE, Certificates, pinned, running
from benchmarks.worker import VAULT_TUI, Worker, serving
from proxy_core.client import calls


@dataclass(frozen=True, slots=True)
class Setup:
    """Where things are: the Go tool, the certificates, a scratch directory, the upstream's port."""

    tool: Path
    certificates: Certificates
    directory: Path
    upstream_port: int


@dataclass(frozen=True, slots=True)
class Peer:
    """How load reaches the upstream through this peer. `pid` 0: no process in between.

    `worker`: ours, to be given services, agents and commands.
    """

    name: str
    ca: Path
    proxy: str = ""
    auth: str = ""
    pid: int = 0
    worker: Worker | None = None


Starter = Callable[[Setup], AbstractContextManager[Peer]]


@contextlib.contextmanager
def direct(setup: Setup) -> Iterator[Peer]:
    """No proxy: what the upstream and the load generator can do by themselves."""
    yield Peer("direct", setup.certificates.upstream_ca)


@contextlib.contextmanager
def go_proxy(setup: Setup) -> Iterator[Peer]:
    """The tuned proxy of Go's standard library."""
    files = setup.certificates
    command = [
        str(setup.tool),
        "proxy",
        f"-cert={files.proxy_root}",
        f"-key={files.proxy_root_key}",
    ]
    command += [f"-upstream-ca={files.upstream_ca}", f"-credential={CREDENTIAL}"]
    command += [f"-connect-to=127.0.0.1:{setup.upstream_port}"]
    environment = os.environ | {"GOMAXPROCS": "1"}
    with running(pinned(PROXY_CORE, command), env=environment) as (process, line):
        yield Peer("go", files.proxy_root, line.split()[1], pid=process.pid)


@contextlib.contextmanager
def mitmproxy(setup: Setup) -> Iterator[Peer]:
    """mitmdump with its own header rule doing the injection."""
    program, home = BENCH_BIN / "mitmdump", setup.directory / "mitm"
    if not program.exists():
        raise FileNotFoundError("mitmproxy is not installed")
    port = _free_port()
    options = {
        "confdir": home,
        "modify_headers": f"/~q/Authorization/{CREDENTIAL}",
        "ssl_verify_upstream_trusted_ca": setup.certificates.upstream_ca,
        "stream_large_bodies": "64k",
        "http2": "false",
    }
    command = [str(program), "-q", "--listen-host", "127.0.0.1", "-p", str(port)]
    command += [part for name, value in options.items() for part in ("--set", f"{name}={value}")]
    with subprocess.Popen(pinned(PROXY_CORE, command), stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for_port(port, process)
            yield Peer(
                "mitmproxy", home / "mitmproxy-ca-cert.pem", f"127.0.0.1:{port}", "", process.pid
            )
        finally:
            process.terminate()


@contextlib.contextmanager
def vault_tui(setup: Setup, name: str = "vault-tui", agents: int = 1) -> Iterator[Peer]:
    """This project's worker with its vault open, a service for each host, and an agent.

    With several agents, connections take their tokens in turn.
    """
    directory = setup.directory / name
    directory.mkdir()
    options = [f"--upstream-ca={setup.certificates.upstream_ca}"]
    options += [f"--connect-to=:{setup.upstream_port}:127.0.0.1:{setup.upstream_port}"]
    command = pinned(PROXY_CORE, [VAULT_TUI, "worker"])
    with (
        (directory / "log").open("w") as log,
        serving(directory / "home", options, command, stderr=log) as worker,
    ):
        worker.send(calls.set_credentials({KEY: CREDENTIAL.removeprefix("Bearer ")}))
        worker.send(calls.replace_services(SERVICES))
        tokens = directory / "tokens"
        tokens.touch(0o600)
        tokens.write_text("".join(f"{worker.agent(f'agent-{n}')}:default\n" for n in range(agents)))
        ca = worker.save_ca(directory / "ca.pem")
        yield Peer(name, ca, worker.proxy, f"@{tokens}", worker.process.pid, worker)


KEY, PLACEHOLDER = "BENCH_TOKEN", "__bench_token__"
_DENIED = [{"methods": ["DELETE"], "path": f"/v1/never/{n}/*", "action": "deny"} for n in range(19)]
_EVERYWHERE = ["path", "query", "header", "body"]


def _service(name: str, host: str, **more: object) -> dict[str, object]:
    auth = {"type": "bearer", "token": KEY}
    return {"name": name, "host": host, "auth": auth, "scrub": False} | more


SERVICES = [
    _service("bench", "localhost"),
    _service("any", "*.bench.test"),
    _service("plain", "plain.bench.test"),
    _service("scrub", "scrub.bench.test", scrub=True),
    _service("rules", "rules.bench.test", rules=[*_DENIED, {"path": "/v1/*", "action": "allow"}]),
    _service(
        "fill",
        "fill.bench.test",
        substitutions=[{"key": KEY, "placeholder": PLACEHOLDER, "in": _EVERYWHERE}],
    ),
]
"""The bare minimum for the peers' rows; the others differ from `plain` in one thing each."""

PEERS: dict[str, Starter] = {
    "direct": direct,
    "go": go_proxy,
    "mitmproxy": mitmproxy,
    "vault-tui": vault_tui,
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """mitmdump announces nothing when quiet: ask its port until it answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    raise RuntimeError("mitmproxy did not start")
