"""Rows of `auth token`, which a program waits for: a cached token, a refreshed one, and none."""

import json
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.console_start import children_seconds
from benchmarks.lab import Lab
from benchmarks.report import Row, within
from benchmarks.worker import VAULT_TUI
from proxy_core.base.paths import Home
from proxy_core.tokens import kernel_cache
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import Tokens

_TIMES = 15
# The user's own keyring is left alone; the encrypted file is what costs most.
_NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
# As Claude Code starts it: the program that asks is remembered.
_KEEPS = {"CLAUDE_CODE_API_KEY_HELPER_TTL_MS": "3300000"}
_ANSWER = {"access_token": "a", "token_type": "Bearer", "refresh_token": "r", "expires_in": 3600}


class _Issuer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Give new tokens at once."""
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps(_ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _issuer() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Issuer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def token(lab: Lab) -> Iterator[Row]:
    """The whole process, as Claude Code starts it; the issuer answers at once."""
    os.environ.update(_NO_KEYRING)
    home = Home(lab.directory / "token")
    with _issuer() as url:
        login = Login(issuer=url, client_id="bench", token_url=f"{url}/token")

        def ending_in(seconds: float) -> None:
            end = time.time() + seconds
            tokens = Tokens(printed="a", refresh="r", expires_at=end, refresh_at=end - 60)
            Holder(home, lambda _: None).keep(login, tokens)

        yield from _rows("nobody signed in", home, lambda: None, 50, code=1)
        ending_in(3600)
        if kernel_cache.cached(str(home.path)) is None:
            yield Row("`auth token`, cached", "the kernel keeps nothing here")
        else:
            yield from _rows("cached", home, lambda: None, 50)
        yield from _rows("refreshed", home, lambda: ending_in(-1), 300)
    kernel_cache.forget(str(home.path))


def _rows(
    what: str, home: Home, before: Callable[[], None], target: float, code: int = 0
) -> Iterator[Row]:
    environment = {**os.environ, **_KEEPS, "VAULT_TUI_HOME": str(home.path), "CI": "1"}
    times, processor = [], []
    for _ in range(_TIMES):
        before()
        used, began = children_seconds(), time.perf_counter()
        done = subprocess.run(
            [VAULT_TUI, "auth", "token"], check=False, env=environment, capture_output=True
        )
        times.append((time.perf_counter() - began) * 1e3)
        processor.append((children_seconds() - used) * 1e3)
        assert done.returncode == code, done.stderr
    yield Row(f"`auth token`, {what}, ms", statistics.median(times), target=within(target))
    yield Row(f"`auth token`, {what}, processor ms", statistics.median(processor))
