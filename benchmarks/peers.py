"""The proxies that are compared, each started as its own users would start it."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import BENCH_BIN, CREDENTIAL, PROXY_CORE, ROOT, Certificates, pinned, running


@dataclass(frozen=True, slots=True)
class Setup:
    """Where things are: the Go tool, the certificates, a scratch directory, the upstream's port."""

    tool: Path
    certificates: Certificates
    directory: Path
    upstream_port: int


@dataclass(frozen=True, slots=True)
class Peer:
    """How load reaches the upstream through this peer. `pid` 0: no process in between."""

    name: str
    ca: Path
    proxy: str = ""
    auth: str = ""
    pid: int = 0


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
def vault_tui(setup: Setup) -> Iterator[Peer]:
    """This project's worker with a vault, a service and an agent made by its command line."""
    home = setup.directory / "home"
    password = setup.directory / "password"
    password.write_text(secrets.token_urlsafe(24))
    password.chmod(0o600)
    environment = os.environ | {
        "VAULT_TUI_HOME": str(home),
        "VAULT_TUI_MASTER_PASSWORD_FILE": str(password),
    }
    program = str(Path(sys.executable).with_name("vault-tui"))

    def run(*arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [program, *arguments],
            input=stdin,
            env=environment,
            cwd=ROOT,
            check=True,
            text=True,
            stdout=subprocess.PIPE,
        )
        return done.stdout.strip()

    worker = [program, "worker", "--port", "0", "--proxy-port", "0"]
    worker += ["--connect-to", f"localhost:{setup.upstream_port}:127.0.0.1:{setup.upstream_port}"]
    worker += ["--upstream-ca", str(setup.certificates.upstream_ca)]
    with running(pinned(PROXY_CORE, worker), env=environment, cwd=ROOT) as (process, line):
        run("init", "--password-stdin", stdin=password.read_text())
        run("credential", "set", "BENCH_TOKEN", stdin=CREDENTIAL.removeprefix("Bearer "))
        run(
            "service",
            "add",
            "--name",
            "bench",
            "--host",
            "localhost",
            "--auth",
            "bearer",
            "--token",
            "BENCH_TOKEN",
        )
        token = _json(run("agent", "create", "bench", "--json"))["av_agent_token"]
        ca = setup.directory / "vault-ca.pem"
        run("ca", "--out", str(ca))
        fields = dict(part.split("=", 1) for part in line.split()[1:])
        yield Peer("vault-tui", ca, fields["proxy"], f"{token}:default", process.pid)


PEERS: dict[str, Starter] = {
    "direct": direct,
    "go": go_proxy,
    "mitmproxy": mitmproxy,
    "vault-tui": vault_tui,
}


def _json(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(text)
    return found


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
