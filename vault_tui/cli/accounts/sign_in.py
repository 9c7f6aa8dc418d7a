"""A login at a provider, for a person at a terminal.

The URL or the code is shown on stderr. What the browser shows in the end may be pasted; a callback
that arrives by itself ends the wait at once. Whoever leaves early gives the login up.
"""

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain.wire import OAuthFlow
from vault_tui.cli import output
from vault_tui.cli.connection import Connection
from vault_tui.cli.failures import say
from vault_tui.cli.lines import Lines
from vault_tui.cli.options import F

if TYPE_CHECKING:
    from proxy_core.client.sync_client import SyncClient

TERMINAL_LINE = 4095
NOTHING_PASTED = "Standard input ended before anything was pasted: the login is given up."
ASK = "Paste the code, or the address of the page where it ended: "


def browser_options(function: F) -> F:
    """`--headless`, `--browser/--no-browser`: see `is_elsewhere`."""
    for option in (
        click.option(
            "--browser/--no-browser", "browser", default=None, help="Open a browser here, or not."
        ),
        click.option(
            "--headless",
            is_flag=True,
            help="The browser is on another machine: paste what it shows in the end. "
            "The default over SSH and without a display.",
        ),
    ):
        function = option(function)
    return function


def is_elsewhere(connection: Connection, headless: bool, browser: bool | None) -> bool:
    """Whether the person's browser is on another machine than the worker, so far as can be told."""
    return headless or (browser is None and not _has_browser(connection))


def sign_in(
    connection: Connection, call: Call[OAuthFlow], lines: Lines, *, opens: bool, pasted: bool
) -> OAuthFlow:
    """Begin a login by `call` and see it through; answers once it is connected.

    `opens`: a browser is opened here. `pasted`: what it shows in the end has to be pasted, so that
    without standard input nothing is waited for.

    Raises VaultError: oauth_login_failed (refused, expired, given up), and as the worker does.
    """
    flow = connection.send(call)
    if not flow.ended:
        try:
            _show(flow, opens)
            flow = _ended(connection, flow, lines, pasted)
        except BaseException:
            with suppress(VaultError):
                connection.client.send(calls.cancel_flow(flow.id))
            raise
    if flow.state != "connected":
        raise VaultError("oauth_login_failed", f"{flow.message} ({flow.error})")
    return flow


def _has_browser(connection: Connection) -> bool:
    return connection.is_local and has_display()


def has_display() -> bool:
    """Whether the person sits at this machine, with a desktop."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return False
    if sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show(flow: OAuthFlow, opens: bool) -> None:
    if flow.kind == "device":
        where = flow.verification_uri
        _tell(f"Open {output.safe(where)} and type the code {output.safe(flow.user_code)}")
        if flow.verification_uri_complete:
            _tell(f"or open {output.safe(flow.verification_uri_complete)}")
        return
    if opens and open_browser(flow.authorization_url):
        _tell("A browser has been opened. If it shows nothing, open this address:")
    else:
        _tell("Open this address in a browser:")
    _tell(f"\n  {output.safe(flow.authorization_url)}\n")


def _ended(connection: Connection, flow: OAuthFlow, lines: Lines, must_paste: bool) -> OAuthFlow:
    """Wait for the end, whoever brings it about."""
    watch = _Watch(connection.client, flow.id)
    while flow.authorization_url:
        print(ASK, end="", file=sys.stderr, flush=True)
        pasted = lines.next(watch.descriptor)
        if pasted is None:
            _tell("")
            if lines.ended and must_paste:
                raise VaultError("oauth_login_failed", NOTHING_PASTED)
            break
        try:
            return connection.send(calls.complete_flow(flow.id, pasted))
        except VaultError as error:
            if error.code == "conflict":  # it came by itself meanwhile
                break
            if error.code != "bad_request" or not sys.stdin.isatty():
                raise
            say(str(error))
            if len(pasted) >= TERMINAL_LINE:
                say(f"A terminal takes {TERMINAL_LINE} characters a line: pipe a longer one in")
    return watch.result()


class _Watch:
    """Follows a flow in a thread; `descriptor` can be read once it has ended."""

    def __init__(self, client: "SyncClient", flow_id: str) -> None:
        self._client = client
        self._flow_id = flow_id
        self._result: OAuthFlow | VaultError | None = None
        self.descriptor, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def result(self) -> OAuthFlow:
        """How it has ended; waits for it. Raises VaultError as the worker does."""
        self._thread.join()
        if isinstance(self._result, OAuthFlow):
            return self._result
        raise self._result or VaultError("internal", "The login could not be followed.")

    def _follow(self) -> None:
        try:
            found = self._client.send(calls.flow(self._flow_id, wait=calls.LONGEST_WAIT))
            while not found.ended:
                found = self._client.send(calls.flow(self._flow_id, wait=calls.LONGEST_WAIT))
            self._result = found
        except VaultError as error:
            self._result = error
        finally:
            os.close(self._writer)


def open_browser(url: str) -> bool:
    """Open a browser. What it may print goes to stderr: stdout is for the answer alone."""
    import webbrowser

    sys.stdout.flush()
    stdout = os.dup(1)
    try:
        os.dup2(2, 1)
        return webbrowser.open(url)
    except (webbrowser.Error, OSError):
        return False
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
