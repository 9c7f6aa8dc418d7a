"""The loopback redirect (RFC 8252 7.3): one hit on 127.0.0.1, then closed.

Rules
- Only a GET for the callback's path counts, with this machine in its Host (no DNS rebinding).
- Only the login's own state counts; anything else is refused and the wait goes on.
- The page shows fixed sentences: nothing of the request comes back in it.
"""

import asyncio
import hmac
from html import escape
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.callbacks import Callback, parse_callback
from proxy_core.domain.oauth.client import OAuthClient
from proxy_core.domain.oauth.failures import TokenError

WAIT_SECONDS = 600.0
HIT_SECONDS = 10.0
MAX_HEAD = 32 * 1024

_ADDRESS = "127.0.0.1"
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Vault TUI</title>'
    "<style>body{{font:1.1rem/1.6 system-ui;margin:4rem auto;max-width:32rem}}</style>"
    "<h1>{title}</h1><p>{text}</p></html>"
)
_DONE = (200, "Signed in", "You can close this window and go back to the terminal.")
_REFUSED = (200, "Not signed in", "The provider refused the login. The terminal says why.")
_STRANGE = (400, "Not this login", "This address belongs to no login that is under way.")


class LoopbackReceiver:
    """Listens for one callback while the context is open.

        async with LoopbackReceiver(client) as receiver:
            request = authorization_request(client, receiver.redirect_uri)
            ...open request.url...
            callback = await receiver.wait(request.state)

    `redirect_uri` is known once the context is open. Raises VaultError port_in_use on entry when
    the client's fixed port is taken.
    """

    redirect_uri: str

    def __init__(self, client: OAuthClient, wait_seconds: float = WAIT_SECONDS) -> None:
        self._client = client
        self._wait_seconds = wait_seconds

    async def __aenter__(self) -> "LoopbackReceiver":
        loop = asyncio.get_running_loop()
        self._state: asyncio.Future[str] = loop.create_future()
        self._result: asyncio.Future[Callback] = loop.create_future()
        port = self._client.callback_port or 0
        try:
            self._server = await asyncio.start_server(self._serve, _ADDRESS, port, limit=MAX_HEAD)
        except OSError:
            detail = f"port {port} is taken, and the provider knows this login by no other"
            raise VaultError("port_in_use", detail) from None
        self._port = self._server.sockets[0].getsockname()[1]
        host, path = self._client.callback_host, self._client.callback_path
        self.redirect_uri = f"http://{host}:{self._port}{path}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self._state.cancel()
        if self._result.done() and not self._result.cancelled():
            self._result.exception()  # seen, even if nobody waited
        self._result.cancel()

    async def wait(self, state: str) -> Callback:
        """The callback that carries `state`; others are answered with an error and ignored.

        Raises TokenError: the provider's refusal, or `timeout`.
        """
        if not self._state.done():
            self._state.set_result(state)
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await self._result
        except TimeoutError:
            raise TokenError(True, "timeout", "nobody signed in within the time") from None
        finally:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HIT_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(*await self._answer(head)))
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        except asyncio.CancelledError:
            return  # the context has ended
        finally:
            writer.close()

    async def _answer(self, head: bytes) -> tuple[int, str, str]:
        """Status, title and sentence of the page; a hit that counts ends the wait."""
        target = self._target(head)
        if target is None:
            return _STRANGE
        expected = await asyncio.shield(self._state)
        given = parse_qs(urlsplit(target).query).get("state", [""])[0]
        if self._result.done() or not hmac.compare_digest(given.encode(), expected.encode()):
            return _STRANGE
        try:
            callback = parse_callback(f"http://{_ADDRESS}{target}")
        except VaultError:
            return _STRANGE
        except TokenError as refused:
            self._result.set_exception(refused)
            return _REFUSED
        self._result.set_result(callback)
        return _DONE

    def _target(self, head: bytes) -> str | None:
        """The request's target, if the request is for the callback at all."""
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or words[0] != "GET" or not words[2].startswith("HTTP/1."):
            return None
        hosts = [line[5:].strip() for line in lines[1:] if line[:5].lower() == "host:"]
        if hosts not in ([f"{_ADDRESS}:{self._port}"], [f"localhost:{self._port}"]):
            return None
        path = words[1].partition("?")[0]
        return words[1] if path == (self._client.callback_path or "/") else None


def _response(status: int, title: str, text: str) -> bytes:
    page = _PAGE.format(title=escape(title), text=escape(text)).encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Bad Request'}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(page)}\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + page
