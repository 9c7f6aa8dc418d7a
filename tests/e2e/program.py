"""The installed program over one home: the worker as a process, and commands beside it."""

import json
import os
import queue
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

VAULT_TUI = str(Path(sys.executable).with_name("vault-tui"))
CLEARED = ("PIP_", "UV_", "npm_", "NPM_", "GIT_", "SSL_", "CURL_", "REQUESTS_", "NODE_", "AGENT_")
CLEARED += (
    "VAULT_TUI_",
    "COLUMNS",
    "LINES",
    "XDG_",
    "HTTP_",
    "HTTPS_",
    "http_",
    "https_",
    "NO_PROXY",
    "no_proxy",
)
_READY = re.compile(r"ready api=(\S+) proxy=(\S+) socket=(\S+)\n")


@dataclass
class Program:
    """`vault-tui` with a home of its own; `api`, `proxy` and `socket` are those of its worker."""

    base: Path
    master: str = field(default_factory=lambda: "master-" + secrets.token_urlsafe(24))
    api: str = ""
    proxy: str = ""
    socket: str = ""
    worker: "subprocess.Popen[str] | None" = None
    made: ClassVar[list["Program"]] = []
    ready_line: str = ""

    def __post_init__(self) -> None:
        self.home = self.base / "vault"
        self.password_file = self.base / "password"
        self.password_file.touch(0o600)
        self.password_file.write_text(self.master + "\n")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(CLEARED)}
        own = {"HOME": str(self.base), "VAULT_TUI_HOME": str(self.home)}
        # A worker that crashes says where, in its log.
        more = {"PIP_CONFIG_FILE": os.devnull, "PYTHONFAULTHANDLER": "1"}
        self.environment = clean | own | more
        self.made.append(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Leave no worker behind, whatever happened. Fails if it did not end as it should."""
        if self.worker is not None:
            status = self.end()
            assert status == 0, f"the worker ended with {status}: {self.log}"

    @property
    def log(self) -> str:
        """The end of what its workers wrote to standard error."""
        return (self.base / "worker.stderr").read_text()[-4000:]

    def check_alive(self) -> None:
        """Fails if the worker has ended by itself."""
        died = self.worker is not None and self.worker.poll() not in (None, 0)
        assert not died, f"the worker ended by itself: {self.log}"

    @property
    def proving(self) -> dict[str, str]:
        """The environment of an operator's script."""
        return self.environment | {"VAULT_TUI_MASTER_PASSWORD_FILE": str(self.password_file)}

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        assert self.worker is not None
        return self.worker.pid

    def start(self, *options: str, environment: dict[str, str] | None = None) -> None:
        """A worker in the foreground, once it serves; its log goes to `worker.stderr`."""
        command = [VAULT_TUI, "worker", "--port", "0", "--proxy-port", "0", *options]
        with (self.base / "worker.stderr").open("ab") as log:
            self.worker = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment or self.environment,
                cwd=self.base,
            )
        assert self.worker.stdout is not None
        self.ready_line = self.worker.stdout.readline()
        ready = _READY.fullmatch(self.ready_line)
        assert ready, self.log
        self.api, self.proxy, self.socket = ready.groups()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the worker a signal and wait for its end; its exit status."""
        assert self.worker is not None
        self.worker.send_signal(number)
        status = self.worker.wait(60)
        assert self.worker.stdout is not None
        self.worker.stdout.close()
        self.worker = None
        return status

    def set_up(self, *options: str) -> None:
        """Start a worker and initialise its vault with the master password."""
        self.start(*options)
        self.command("init", "--password-stdin", input=self.master + "\n")

    def command(
        self, *arguments: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """`vault-tui` with these arguments, as an operator's script runs it."""
        chosen = {"env": self.proving, "timeout": 60, "text": True, "capture_output": True}
        done = subprocess.run([VAULT_TUI, *arguments], **(chosen | options))
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def run(
        self, *client: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """`vault-tui run -- CLIENT …`, with nothing in the environment that opens the vault."""
        chosen = {"env": self.environment, "timeout": 90}
        return self.command("run", "--", *client, check=check, **(chosen | options))

    def agent(self, name: str, *options: str) -> str:
        """A new agent's token."""
        return self.command("agent", "create", name, *options).stdout.strip()

    def bearer_services(self, keys: Mapping[str, str], **more: object) -> None:
        """One service a host, named after it, that attaches the host's key as a bearer token.

        `more` are further fields of each document.
        """
        services = [
            {
                "name": host.replace(".", "-"),
                "host": host,
                "auth": {"type": "bearer", "token": key},
                **more,
            }
            for host, key in keys.items()
        ]
        file = self.base / "services.json"
        file.write_text(json.dumps({"services": services}))
        self.command("service", "set", "-f", str(file))


def connect_to(ports: dict[str, int], port: int = 443) -> Sequence[str]:
    """Worker options that send each host to a port of this machine."""
    options: list[str] = []
    for host, local in ports.items():
        options += ["--connect-to", f"{host}:{port}:127.0.0.1:{local}"]
    return options


def read_as_it_prints(
    process: "subprocess.Popen[str]",
) -> "queue.SimpleQueue[tuple[float, dict[str, Any]]]":
    """When each line came, and the JSON that it is."""
    seen: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            seen.put((time.time(), json.loads(line)))

    threading.Thread(target=read, daemon=True).start()
    return seen
