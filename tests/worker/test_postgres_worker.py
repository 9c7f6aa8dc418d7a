"""A worker whose database is a PostgreSQL server."""

import base64
import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from proxy_core.client import calls
from proxy_core.domain.wire import AgentVault
from tests.worker.harness import PASSWORD, WorkerProcess

SECRET = "s3cret-of-the-upstream"
OPTIONS = ("--allow-private", "--allow-http")
# What a server that trusts its socket never looks at, and nobody else may see.
URL_PASSWORD = "db-pass-91"


class EchoAuthorization(BaseHTTPRequestHandler):
    """Answers with the credential that arrived."""

    def do_GET(self) -> None:
        body = (self.headers["Authorization"] or "none").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream() -> Iterator[int]:
    """The port of an upstream over plain http."""
    server = HTTPServer(("127.0.0.1", 0), EchoAuthorization)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def with_password(url: str) -> str:
    """The URL with a password beside its user."""
    return url.replace("@/", f":{URL_PASSWORD}@/", 1)


def through_proxy(worker: WorkerProcess, token: str, port: int, path: str) -> tuple[int, str]:
    """One request of an agent."""
    proxy = worker.client.send(calls.status()).proxy
    connection = http.client.HTTPConnection(proxy, timeout=20)
    login = base64.b64encode(f"{token}:default".encode()).decode()
    connection.request(
        "GET",
        f"http://127.0.0.1:{port}{path}",
        headers={"Proxy-Authorization": f"Basic {login}"},
    )
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def shown(worker: WorkerProcess) -> bytes:
    """What other processes of the same user may see of the worker's start."""
    proc = Path(f"/proc/{worker.process.pid}")
    return (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()


def test_everything_on_postgresql(tmp_path: Path, postgres_url: str, upstream: int) -> None:
    """Set up, serve an agent, list what happened; all of it is there after a restart."""
    home, url = tmp_path / "home", with_password(postgres_url)
    worker = WorkerProcess(home, *OPTIONS, "--database-url", url)
    assert worker.ready().startswith("ready ")
    assert URL_PASSWORD.encode() not in shown(worker)
    worker.client.send(calls.init("password", PASSWORD))
    status = worker.client.send(calls.status())
    assert (status.database, status.problems) == ("postgresql", [])
    worker.client.send(calls.set_credentials({"API_KEY": SECRET}))
    service = {
        "name": "example",
        "host": f"127.0.0.1:{upstream}/v1/*",
        "auth": {"type": "bearer", "token": "API_KEY"},
        "scrub": False,  # the upstream shows which credential came
    }
    worker.client.send(calls.upsert_services([service]))
    grants = [AgentVault(vault_name="default", vault_role="proxy")]
    token = worker.client.send(calls.create_agent("ci-bot", vaults=grants)).av_agent_token
    assert through_proxy(worker, token, upstream, "/v1/x") == (200, f"Bearer {SECRET}")
    assert through_proxy(worker, token, upstream, "/elsewhere") == (200, "none")
    code, log = worker.end()
    assert code == 0
    assert URL_PASSWORD not in log
    assert not worker.home.database.exists()

    environment = {"VAULT_TUI_DATABASE_URL": url, "VAULT_TUI_MASTER_PASSWORD": PASSWORD}
    worker = WorkerProcess(home, *OPTIONS, **environment)
    assert worker.ready().startswith("ready ")
    assert URL_PASSWORD.encode() not in shown(worker)
    assert PASSWORD.encode() not in shown(worker)
    assert worker.client.send(calls.status()).sealed is False
    logs = worker.client.send(calls.logs()).logs
    assert [(one.path, one.decision, one.actor_name) for one in logs] == [
        ("/elsewhere", "unmatched", "ci-bot"),
        ("/v1/x", "injected", "ci-bot"),
    ]
    hosts = worker.client.send(calls.discovered_hosts()).hosts
    assert [(host.host, host.port, host.requests) for host in hosts] == [("127.0.0.1", upstream, 1)]
    assert worker.client.send(calls.agent("ci-bot")).last_seen_at != ""
    assert through_proxy(worker, token, upstream, "/v1/y") == (200, f"Bearer {SECRET}")
    code, log = worker.end()
    assert code == 0
    assert URL_PASSWORD not in log


def test_the_url_from_a_file(tmp_path: Path, postgres_url: str) -> None:
    """A file counts before the environment, whose variable goes all the same."""
    file = tmp_path / "database-url"
    file.write_text(with_password(postgres_url) + "\n")
    other = f"postgresql://ada:{URL_PASSWORD}@nowhere.invalid/vault"
    worker = WorkerProcess(
        tmp_path / "home", "--database-url-file", str(file), VAULT_TUI_DATABASE_URL=other
    )
    assert worker.ready().startswith("ready ")
    assert URL_PASSWORD.encode() not in shown(worker)
    assert worker.client.send(calls.status()).database == "postgresql"
    assert worker.end()[0] == 0


def test_a_database_that_cannot_be_reached(tmp_path: Path, postgres_url: str) -> None:
    """One sentence with no password in it, status 3, and nothing is left in the home."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        nobody = f"postgresql+psycopg://ada:{URL_PASSWORD}@127.0.0.1:{port}/vault"
        refusals = [
            (nobody, "Nothing listens at the database URL's address."),
            (with_password(postgres_url).replace("test_", "no_test_"), "has no such database"),
        ]
        for url, sentence in refusals:
            home = tmp_path / str(len(sentence))
            code, errors = WorkerProcess(home, VAULT_TUI_DATABASE_URL=url).finish()
            assert code == 3
            assert errors.count("\n") == 1
            assert sentence in errors
            assert errors.endswith("[database_unavailable]\n")
            assert URL_PASSWORD not in errors
            assert [left.name for left in home.iterdir()] == ["worker.lock"]


def test_a_url_that_is_no_database(tmp_path: Path) -> None:
    """Wrong use is status 2, makes nothing, and repeats nothing of the URL."""
    home = tmp_path / "home"
    code, errors = WorkerProcess(home, "--database-url", f"mysql://a:{URL_PASSWORD}@b/c").finish()
    assert (code, URL_PASSWORD in errors, home.exists()) == (2, False, False)
    assert "postgresql+psycopg://" in errors
    code, errors = WorkerProcess(home, "--database-url-file", str(tmp_path / "missing")).finish()
    assert (code, home.exists()) == (2, False)
    assert "--database-url-file" in errors
    code, errors = WorkerProcess(
        home, f"--database-url=postgresql://a:{URL_PASSWORD}@:x/c"
    ).finish()
    assert (code, URL_PASSWORD in errors) == (2, False)
