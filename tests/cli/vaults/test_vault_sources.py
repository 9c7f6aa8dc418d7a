"""`vault source` against a real worker, and stores that answer as Vault and Infisical do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.conftest import CommandLine

TOKEN = "hvs.a-store-token-on-stdin"


class Store(BaseHTTPRequestHandler):
    """One secret, for one token."""

    def do_GET(self) -> None:
        if self.path.startswith("/api/v4/secrets?projectId=p-1&environment=dev&secretPath=%2F&"):
            allowed = self.headers["Authorization"] == "Bearer access"
            data = {"secrets": [{"secretKey": "api-key", "secretValue": "from-the-folder"}]}
            return self.answer(allowed, data)
        allowed = self.path == "/v1/kv/data/app" and self.headers["X-Vault-Token"] == TOKEN
        found = {"data": {"api-key": "from-the-store"}, "metadata": {"version": 1}}
        return self.answer(allowed, {"data": found})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        allowed = sent == {"clientId": "machine", "clientSecret": TOKEN}
        self.answer(allowed, {"accessToken": "access", "expiresIn": 7200})

    def answer(self, allowed: bool, data: object) -> None:
        """The data, or a refusal."""
        body = json.dumps(data if allowed else {"errors": ["permission denied"]}).encode()
        self.send_response(200 if allowed else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_vault_is_backed_by_a_store(line: CommandLine, store: str) -> None:
    """Set with the token from standard input, read at once, closed to changes, let go again."""
    line.ok("vault", "create", "backed")
    where = ("--type", "hashicorp", "--url", store, "--path", "kv/app")
    said = line.ok("vault", "source", "set", "backed", *where, stdin=TOKEN + "\n")
    assert f"{store} kv/app" in said
    assert TOKEN not in said
    assert "hashicorp (ok)" in line.ok("vault", "list")
    listed = json.loads(line.ok("vault", "list", "--json"))["vaults"]
    assert ("backed", "hashicorp", "ok") in [
        (one["name"], one["source"], one["source_state"]) for one in listed
    ]
    assert json.loads(line.ok("vault", "source", "poll", "backed", "--json"))["state"] == "ok"
    reveal = ("credential", "get", "API_KEY", "--reveal", "--vault", "backed")
    assert line.ok(*reveal) == "from-the-store\n"
    refused = line("credential", "set", "OTHER", "--vault", "backed", stdin="x")
    assert (refused.returncode, "external store" in refused.stderr) == (1, True)
    line.ok("vault", "source", "remove", "backed", "--yes")
    assert line("vault", "source", "show", "backed").returncode == 4
    assert line.ok(*reveal) == "from-the-store\n"


def test_a_vault_is_backed_by_infisical(line: CommandLine, store: str) -> None:
    """The machine identity's secret from standard input; the folder / unless another is given."""
    line.ok("vault", "create", "folder")
    where = ("--type", "infisical", "--url", store, "--project", "p-1", "--environment", "dev")
    whose = ("--client-id", "machine")
    said = line.ok("vault", "source", "set", "folder", *where, *whose, stdin=TOKEN + "\n")
    assert f"{store} p-1 dev:/" in said
    assert TOKEN not in said
    reveal = ("credential", "get", "API_KEY", "--reveal", "--vault", "folder")
    assert line.ok(*reveal) == "from-the-folder\n"
