"""Every failure of the API in the contract's shape, whoever raised it."""

import logging
import secrets
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.worker.logs import places_of
from proxy_core.worker.origins import note_refusal

_LOG = logging.getLogger("vault_tui.api")
_MEDIA_TYPE = "application/problem+json"
_CODE_BY_STATUS = {
    401: "unauthorized",
    404: "not_found",
    405: "method_unsupported",
    413: "request_too_large",
}
_DETAIL_LIMIT = 500


def handle_vault_error(request: Request[Any, Any, Any], error: VaultError) -> Response[bytes]:
    """Litestar's handler for our own errors. What is refused is told to the audit."""
    note_refusal(request.app.state.app.auditing.refusals, error, "authorization" in request.headers)
    return _response(error)


def handle_framework_error(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[bytes]:
    """Litestar's handler for what routing and validation raise."""
    if error.status_code >= 500:
        return handle_unexpected(request, error)
    code = _CODE_BY_STATUS.get(error.status_code, "bad_request")
    listed = {one for one in (error.headers or {}).get("allow", "").split(", ") if one}
    if "GET" in listed and request.method != "HEAD":
        listed.add("HEAD")
    allow = ", ".join(sorted(listed - {"OPTIONS"}))
    return _response(VaultError(code, _detail(error)), {"allow": allow} if allow else None)


def handle_unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's handler for everything else."""
    return _response(unexpected(error))


def unexpected(error: BaseException) -> VaultError:
    """An `internal` error whose id stands in the log beside the traceback.

    The log gets the traceback's places and the type, not the message: a library's message may
    quote what it was given.
    """
    number = secrets.token_hex(6)
    _LOG.error("internal %s: %s", number, places_of(error))
    return VaultError("internal", f"Internal error {number}.", {"id": number})


def encoded(error: VaultError) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Body and header fields of an error's answer."""
    body = msgspec.json.encode(error.problem())
    headers = [
        (b"content-type", _MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if error.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="vault-tui"'))
    seconds = error.retry_after or (1 if error.status == 503 else None)
    if seconds is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    return body, headers


def _response(error: VaultError, extra: dict[str, str] | None = None) -> Response[bytes]:
    body, headers = encoded(error)
    fields = {name.decode(): value.decode() for name, value in headers}
    del fields["content-type"], fields["content-length"]
    return Response(
        body,
        status_code=error.status,
        headers={**fields, **(extra or {})},
        media_type=_MEDIA_TYPE,
    )


def _detail(error: HTTPException) -> str:
    """One sentence of what Litestar found; it names fields and types, never values."""
    found = error.extra if isinstance(error.extra, list) else []
    # How Litestar words a missing body: the text of its own KeyError.
    if any(isinstance(item, dict) and item.get("message") == "'data'" for item in found):
        return "The request has no body."
    parts = [
        ": ".join(str(item[name]) for name in ("key", "message") if item.get(name))
        for item in found
        if isinstance(item, dict)
    ]
    return display_safe("; ".join(parts) or error.detail or "Malformed request", _DETAIL_LIMIT)
