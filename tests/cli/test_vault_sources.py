"""`vault source` against a real worker, and a store that answers as HashiCorp Vault does."""

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
        allowed = self.path == "/v1/kv/data/app" and self.headers["X-Vault-Token"] == TOKEN
        data = {"data": {"data": {"api-key": "from-the-store"}, "metadata": {"version": 1}}}
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
    reveal = ("credential", "get", "API_KEY", "--reveal", "--vault", "backed")
    assert line.ok(*reveal) == "from-the-store\n"
    refused = line("credential", "set", "OTHER", "--vault", "backed", stdin="x")
    assert (refused.returncode, "external store" in refused.stderr) == (1, True)
    line.ok("vault", "source", "remove", "backed", "--yes")
    assert line("vault", "source", "show", "backed").returncode == 4
    assert line.ok(*reveal) == "from-the-store\n"
