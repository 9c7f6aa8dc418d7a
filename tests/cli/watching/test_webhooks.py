"""`webhook` against a real worker, and a receiver that checks as the documentation says."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue

import pytest

from tests.cli.conftest import CommandLine

PAGE = Path(__file__).parents[3] / "docs" / "webhooks.md"


class Receiver(BaseHTTPRequestHandler):
    """Keeps what came."""

    came: Queue[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.came.put((self.path, dict(self.headers.items()), body))
        self.send_response(404 if self.path == "/gone" else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    """A receiver's address, without a path."""
    Receiver.came = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_webhook_from_beginning_to_end(line: CommandLine, receiver: str) -> None:
    """Added from standard input, tried, verified, given a new secret, switched off, removed."""
    address = f"{receiver}/T0/verysecretpath"
    said = line.ok("webhook", "add", "--events", "proposal.*, request.held", stdin=address)
    assert "verysecretpath" not in said
    secret = re.search(r"whsec_\S+", said)
    found = json.loads(line.ok("webhook", "list", "--json"))["webhooks"]
    (hook,) = found
    assert (hook["url"], hook["state"]) == (f"{receiver}/…", "new")
    assert hook["events"] == ["proposal.*", "request.held"]
    assert "Delivered" in line.ok("webhook", "test", hook["id"])
    path, headers, body = Receiver.came.get(timeout=20)
    assert path == "/T0/verysecretpath"
    assert secret is not None
    assert verified_by_the_recipe(secret[0], headers["x-vault-tui-signature"], body)
    assert not verified_by_the_recipe(secret[0], headers["x-vault-tui-signature"], body + b" ")
    assert not verified_by_the_recipe("whsec_x", headers["x-vault-tui-signature"], body)
    assert "former secret signs as well" in line.ok("webhook", "rotate", hook["id"])
    line.ok("webhook", "disable", hook["id"])
    assert "disabled" in line.ok("webhook", "list")
    line.ok("webhook", "enable", hook["id"])
    line.ok("webhook", "remove", hook["id"], "--yes")
    assert json.loads(line.ok("webhook", "list", "--json"))["webhooks"] == []


def test_a_receiver_that_refuses(line: CommandLine, receiver: str) -> None:
    """The test fails with the reason, and the address is not in it."""
    added = line.ok("webhook", "add", f"{receiver}/gone", "--format", "slack", "--json")
    webhook_id = json.loads(added)["webhook"]["id"]
    done = line("webhook", "test", webhook_id)
    assert done.returncode == 1
    assert "the receiver answered 404" in done.stderr
    assert "/gone" not in done.stderr
    line.ok("webhook", "remove", webhook_id, "--yes")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ftp://x.example/",), "https://"),
        (("http://hooks.example/",), "https://"),
        (("https://user:hush@hooks.example/",), "no user name"),
        (("https://hooks.example/", "--events", "request.finished"), "request.finished"),
        (("https://hooks.example/", "--vault", "none"), "none"),
    ],
)
def test_what_is_refused(line: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    """With the reason."""
    done = line("webhook", "add", *arguments)
    assert done.returncode != 0
    assert said in done.stderr


def verified_by_the_recipe(secret: str, signature: str, body: bytes) -> bool:
    """What the documentation's own program says, five minutes later at most."""
    program = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert program is not None
    done = subprocess.run(
        [sys.executable, "-c", program[1], secret, signature], input=body, check=False
    )
    return done.returncode == 0
