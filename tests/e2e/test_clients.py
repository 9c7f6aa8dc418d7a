"""What agents really use, through `vault-tui run`: each gets its answer and never the secret."""

import hashlib
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import World
from tests.e2e.program import VAULT_TUI, read_as_it_prints

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

MEBIBYTE = 1 << 20
SCRUBBED = "Bearer __upstream_token__"
"""What comes back of the token. The upstream refuses whatever is not exactly the real one."""


def authorization(echo: str) -> list[str]:
    """The Authorization values that the upstream received, as the client gets to see them."""
    return [value for name, value in json.loads(echo)["headers"] if name == "Authorization"]


def resident_kib(pid: int) -> int:
    """Peak resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def test_curl_gets_the_credential_injected_once(world: World, need: Callable[[str], str]) -> None:
    """curl's request arrives with the real token exactly once; curl never holds nor sees it."""
    done = world.run(need("curl"), "-sS", "-v", "https://api.test/echo?x=1")
    assert authorization(done.stdout) == [SCRUBBED]
    assert json.loads(done.stdout)["path"] == "/echo?x=1"
    assert world.token not in done.stderr + done.stdout


def test_a_clients_own_credential_is_replaced(world: World, need: Callable[[str], str]) -> None:
    """An Authorization field of the client's own never reaches the upstream."""
    url = "https://api.test/echo"
    done = world.run(need("curl"), "-sS", "-H", "authorization: Bearer mine", url)
    assert authorization(done.stdout) == [SCRUBBED]
    assert "mine" not in done.stdout


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_curl_uploads_100_mib(
    world: World, need: Callable[[str], str], tmp_path: Path, framing: str
) -> None:
    """A large upload arrives whole, with Content-Length and without, in flat memory."""
    content = hashlib.sha256(b"seed").digest() * (100 * MEBIBYTE // 32)
    (tmp_path / "body").write_bytes(content)
    before = resident_kib(world.pid)
    extra = ["-H", "Transfer-Encoding: chunked"] if framing == "chunked" else []
    body = ["-T", str(tmp_path / "body"), "-X", "POST", *extra]
    done = world.run(need("curl"), "-sS", *body, "https://api.test/upload")
    answer = json.loads(done.stdout)
    assert answer["bytes"] == len(content)
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()
    assert answer["framing"] == framing
    assert resident_kib(world.pid) - before < 32 * 1024


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_curl_posts_a_placeholder(world: World, need: Callable[[str], str], framing: str) -> None:
    """What curl sends as a placeholder in JSON arrives as the secret; curl never holds it."""
    world.command(
        *("service", "add", "--name", "json-body", "--host", "api.test/upload/*"),
        *("--auth", "bearer", "--token", "UPSTREAM_TOKEN"),
        *("--substitute", "UPSTREAM_TOKEN:__token__:body"),
    )
    extra = ["-H", "Transfer-Encoding: chunked"] if framing == "chunked" else []
    body = ["-H", "Content-Type: application/json", "-d", '{"key": "__token__"}', *extra]
    done = world.run(need("curl"), "-sS", *body, "https://api.test/upload/json")
    answer = json.loads(done.stdout)
    sent = json.dumps({"key": world.token}).encode()
    assert (answer["bytes"], answer["framing"]) == (len(sent), "length")
    assert answer["sha256"] == hashlib.sha256(sent).hexdigest()
    assert world.token not in done.stdout + done.stderr
    world.command("service", "remove", "json-body")


def test_curl_downloads_1_gib_in_flat_memory(world: World, need: Callable[[str], str]) -> None:
    """A gigabyte passes without the worker growing."""
    before = resident_kib(world.pid)
    size = 1024 * MEBIBYTE
    url = f"https://api.test/download/{size}"
    done = world.run(need("curl"), "-sS", "-o", "/dev/null", "-w", "%{size_download}", url)
    assert int(done.stdout) == size
    assert resident_kib(world.pid) - before < 32 * 1024


def test_git_clones_over_https(world: World, need: Callable[[str], str], tmp_path: Path) -> None:
    """git clone works with no credential of its own."""
    world.run(need("git"), "clone", "-q", "https://git.test/repo.git", str(tmp_path / "clone"))
    assert (tmp_path / "clone" / "hello.txt").read_text() == "cloned through the vault\n"


def test_pip_downloads_from_an_index(world: World, tmp_path: Path) -> None:
    """Pip trusts the bundle that `run` sets and fetches a wheel."""
    index = "https://pypi.test/simple"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--index-url", index]
    world.run(*pip, "-d", str(tmp_path), "vault-demo")
    assert (tmp_path / "vault_demo-1.0-py3-none-any.whl").exists()


def test_npm_pings_its_registry(world: World, need: Callable[[str], str]) -> None:
    """Npm reaches a registry through the proxy."""
    done = world.run(need("npm"), "ping", "--registry", "https://npm.test/")
    assert "PONG" in done.stderr + done.stdout


def test_node_fetch(world: World, modern_node: str) -> None:
    """Node's own fetch takes the proxy and the CA from the environment."""
    script = "fetch('https://api.test/echo').then(r => r.text()).then(t => console.log(t))"
    done = world.run(modern_node, "-e", script)
    assert authorization(done.stdout) == [SCRUBBED]


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_python_clients(world: World, library: str) -> None:
    """The usual Python clients need no option at all."""
    script = f"import {library}; print({library}.get('https://api.test/echo').text)"
    done = world.run(sys.executable, "-c", script)
    assert authorization(done.stdout) == [SCRUBBED]


def test_a_websocket_client(world: World) -> None:
    """The handshake gets the credential, then frames pass both ways."""
    script = """
import websockets.sync.client as client
with client.connect("wss://ws.test/", additional_headers={"Authorization": "Bearer mine"}) as ws:
    for text in ("one", "two" * 50000):
        ws.send(text)
        assert ws.recv() == text
print("echoed")
"""
    assert world.run(sys.executable, "-c", script).stdout.strip() == "echoed"


def test_sse_events_arrive_as_they_are_sent(world: World) -> None:
    """No event waits for the next one, which the upstream sends when this one was heard."""
    script = """
import httpx
with httpx.stream("GET", "https://api.test/sse/5", timeout=60) as stream:
    for line in stream.iter_lines():
        if line.startswith("data: "):
            print(line)
            httpx.post("https://api.test/heard", timeout=60)
"""
    heard = world.run(sys.executable, "-c", script).stdout.splitlines()
    assert heard == [f"data: {number}" for number in range(5)]


def test_runs_exit_status_is_the_commands(world: World) -> None:
    """Scripts can rely on the status."""
    assert world.run("sh", "-c", "exit 7", check=False).returncode == 7


def test_an_agent_is_refused_on_the_control_socket(world: World) -> None:
    """A process started by `run` learns nothing and changes nothing over the socket."""
    reveal = world.run(VAULT_TUI, "credential", "get", "UPSTREAM_TOKEN", "--reveal", check=False)
    assert reveal.returncode == 5
    assert world.token not in reveal.stdout + reveal.stderr
    socket_path = json.loads(world.command("status", "--json").stdout)["socket"]
    script = f"""
import http.client, socket
link = http.client.HTTPConnection("localhost")
link.sock = socket.socket(socket.AF_UNIX)
link.sock.connect({socket_path!r})
link.request("GET", "/v1/vaults")
print(link.getresponse().status)
"""
    clean = ["env", "-i", sys.executable, "-c", script]
    assert world.run(*clean).stdout.strip() == "403"
    orphan = ["setsid", "--fork", "--wait", *clean]
    assert world.run(*orphan).stdout.strip() == "403"


def test_the_request_is_seen_within_200_ms(world: World, need: Callable[[str], str]) -> None:
    """A request shows in the live stream with agent, service, key name, status and latency."""
    follow = [VAULT_TUI, "logs", "-f", "--json"]
    with subprocess.Popen(
        follow, stdout=subprocess.PIPE, text=True, env=world.environment
    ) as process:
        try:
            seen = read_as_it_prints(process)
            world.run(need("curl"), "-sS", "https://api.test/echo/first")
            while seen.get(timeout=60)[1]["path"] != "/echo/first":
                pass
            # Of several the fastest, for the machine may be busy with other tests for a while.
            delays = [math.inf]
            while min(delays) >= 0.2:
                assert len(delays) < 50, delays
                world.run(need("curl"), "-sS", "https://api.test/echo/next")
                seen_at, record = seen.get(timeout=60)
                delays.append(seen_at - record["started_at"] - record["latency_ms"] / 1000)
        finally:
            process.terminate()
    assert record["matched_service"] == "api-test"
    assert record["credential_keys"] == ["UPSTREAM_TOKEN"]
    assert record["status"] == 200
