"""What every API request passes before it is routed: own host, own site, JSON, a bounded body.

Pages for a person's browser take forms instead, and check for themselves that a form is their own:
since they send no referrer, browsers send such forms with the origin `null`.

It also lets the router see the path as it was sent, so that a name may hold an encoded slash,
answers HEAD as GET without the body, and in the contract's shape whatever escapes the framework.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, cast
from urllib.parse import urlsplit

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from proxy_core.base.errors import VaultError
from proxy_core.domain.forwarded import FIELD as FORWARDED_FOR
from proxy_core.domain.forwarded import TrustedProxies
from proxy_core.worker.problems import encoded, unexpected

MAX_BODY_BYTES = 4 * 1024 * 1024
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_JSON, _FORM = b"application/json", b"application/x-www-form-urlencoded"
_FORMS, _OPAQUE = "/approve/", "null"
_ENDLESS = frozenset({"/v1/events"})
"""What would never be answered whole, and so is not told the head of."""
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# These path segments are endpoints for some methods and service names for PATCH and DELETE.
_ENDPOINT_NAMES = re.compile(r"(/v1/vaults/[^/]+/services/)([a-z])((?:est|redential-usage)/?)\Z")


class Front:
    """The outermost ASGI application. `own_names` are host names that mean this worker.

    `public_url` is the origin that other machines know it by, or empty: whatever stands between
    may have its own idea of the Host. `proxies` answers which reverse proxies are trusted now.
    """

    def __init__(
        self,
        app: ASGIApp,
        own_names: Iterable[str] = (),
        any_address: bool = False,
        public_url: str = "",
        proxies: Callable[[], TrustedProxies] = TrustedProxies,
    ):
        self._app = app
        self._proxies = proxies
        self._public_url = public_url
        public = urlsplit(public_url).hostname
        names = (*own_names, public) if public else own_names
        self._names: Collection[str] = _OWN_NAMES | {name.lower() for name in names}
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            scope["path"] = _routable(scope)
            method, sending = scope["method"], cast(Send, watched_send)
            if method == "OPTIONS":  # the router would tell of some methods only
                scope["method"] = "TRACE"  # which no endpoint has
            elif method == "HEAD" and scope["path"] not in _ENDLESS:
                scope, sending = {**scope, "method": "GET"}, _without_body(watched_send)
            headers = _headers(scope)
            scope["client"] = self._client(scope)
            takes_forms = scope["method"] == "POST" and scope["path"].startswith(_FORMS)
            self._check_site(headers, _OPAQUE if takes_forms else "")
            _check_body(scope["method"], headers, _FORM if takes_forms else _JSON)
            await self._app(scope, _bounded(receive), sending)
        except VaultError as error:
            if started:
                raise
            await answer(error, send)
        except Exception as error:
            failure = unexpected(error)
            if started:  # too late for an answer: the connection breaks, visibly
                raise failure from None
            await answer(failure, send)

    def _client(self, scope: HTTPScope) -> tuple[str, int] | None:
        """Where the request comes from: for the audit and for counting, never for what is allowed.

        A process at the control socket is known by the kernel's word alone, and has no address.
        """
        client = scope["client"]
        proxies = self._proxies()
        if client is None or not proxies:
            return client
        said = [value for name, value in scope["headers"] if name == FORWARDED_FOR]
        return proxies.client(client[0], said), client[1]

    def _check_site(self, headers: dict[bytes, bytes], allowed: str = "") -> None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._is_own(host):
            raise VaultError("origin_refused", "The Host header does not name this worker.")
        if b"origin" not in headers:
            return
        origin = headers[b"origin"].decode("latin-1").lower()
        if origin and origin in (allowed, self._public_url):
            return
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or parts.netloc != host:
            raise VaultError("origin_refused", "The Origin header names another site.")

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or (self._any_address and _is_address(name))


async def answer(error: VaultError, send: Send) -> None:
    """Send an error outside the framework."""
    body, headers = encoded(error)
    start: Any = {"type": "http.response.start", "status": error.status, "headers": headers}
    await send(start)
    rest: Any = {"type": "http.response.body", "body": body, "more_body": False}
    await send(rest)


def _routable(scope: HTTPScope) -> str:
    path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    if scope["method"] in {"PATCH", "DELETE"}:
        path = _ENDPOINT_NAMES.sub(lambda m: f"{m[1]}%{ord(m[2]):02X}{m[3]}", path)
    return path


def _headers(scope: HTTPScope) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in headers and name in {b"host", b"origin", b"content-type", b"authorization"}:
            raise VaultError("bad_request", f"Several {name.decode('latin-1')} header fields.")
        headers[name] = value
    return headers


def _check_body(method: str, headers: dict[bytes, bytes], wanted: bytes) -> None:
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise VaultError("request_too_large", f"A body may have {MAX_BODY_BYTES} bytes.")
    has_body = length != b"0" or b"transfer-encoding" in headers
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    # A page of another site can send a form or no type at all, but never JSON without asking first;
    # and it can't send DELETE, so there the type may be missing.
    wrong = kind != wanted and (kind or method in _BODY_METHODS)
    if has_body and wrong:
        raise VaultError("bad_request", f"The body must be sent as {wanted.decode()}.")


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return sending


def _bounded(receive: Receive) -> Receive:
    total = 0

    async def bounded() -> Any:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > MAX_BODY_BYTES:
                raise VaultError("request_too_large", f"A body may have {MAX_BODY_BYTES} bytes.")
        return message

    return bounded


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
