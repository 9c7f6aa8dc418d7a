"""A real browser over its DevTools protocol: pages are opened, typed into and clicked as people do.

Nothing of it needs scripts in the page, so that they can be switched off.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
)
_SECONDS = 30.0


class Tab:
    """One page. `scripts` False: the page's own are switched off."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._sent = 0
        self._session = ""
        self._loads = 0
        self.requests: list[str] = []
        """The addresses that were asked for."""
        self.errors: list[str] = []
        """What the browser's log says: a violated policy, for one."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "DOM", "Network", "Log"):
            self._call(f"{domain}.enable")

    def switch_scripts_off(self) -> None:
        """From the next page on."""
        self._call("Emulation.setScriptExecutionDisabled", value=True)

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        wanted = self._loads + 1
        self._call("Page.navigate", url=url)
        self._until(wanted)

    def type(self, selector: str, text: str) -> None:
        """Type into an input."""
        self._call("DOM.focus", nodeId=self._node(selector))
        self._call("Input.insertText", text=text)

    def click(self, selector: str, pages: int = 1) -> None:
        """Click in the middle of something that leads to another page, or to several in a row."""
        node = self._node(selector)
        self._call("DOM.scrollIntoViewIfNeeded", nodeId=node)
        corners = self._call("DOM.getBoxModel", nodeId=node)["model"]["content"]
        x, y = sum(corners[0::2]) / 4, sum(corners[1::2]) / 4
        wanted = self._loads + pages
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self._until(wanted)

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Be a phone of that size, in CSS pixels, from now on."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2,
            mobile=True,
        )
        wanted = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[wanted])

    def ask(self, script: str) -> Any:
        """What an expression of the test's own says of the page: not one of the page's scripts."""
        done = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def picture(self) -> bytes:
        """The whole page, as PNG."""
        shot = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    @property
    def html(self) -> str:
        """The page as it stands."""
        return str(self._call("DOM.getOuterHTML", nodeId=self._root())["outerHTML"])

    def _root(self) -> int:
        return int(self._call("DOM.getDocument", depth=0)["root"]["nodeId"])

    def _node(self, selector: str) -> int:
        found = self._call("DOM.querySelector", nodeId=self._root(), selector=selector)["nodeId"]
        assert found, f"there is no {selector} in {self.html}"
        return int(found)

    def _until(self, loads: int) -> None:
        while self._loads < loads:
            self._receive()

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._connection.send(json.dumps(message))
        while True:
            answer = self._receive()
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._connection.recv(_SECONDS))
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        elif message.get("method") == "Page.loadEventFired":
            self._loads += 1
        elif message.get("method") == "Log.entryAdded":
            self.errors.append(message["params"]["entry"]["text"])
        return message


@contextmanager
def chromium() -> Iterator[Tab]:
    """A browser of its own; without one the test is skipped, or fails where CI must have it."""
    program = shutil.which("chromium")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    with tempfile.TemporaryDirectory() as profile:
        command = [str(program), *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                with connect(_endpoint(process), max_size=None) as connection:
                    yield Tab(connection)
            finally:
                process.terminate()
                process.communicate()


def _endpoint(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"ws://\S+", line)
        if found is not None:
            return found[0]
    raise AssertionError("chromium ended")
