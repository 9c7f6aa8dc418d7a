"""What went wrong, as a VaultError: an answer of the worker's, or none at all."""

from typing import TYPE_CHECKING, Any

import msgspec

from proxy_core.base.errors import ERRORS, VaultError

if TYPE_CHECKING:  # a client of the socket does without it
    import ssl

_DEEPEST_CAUSE = 8
_COMMON_FIELDS = frozenset(
    {"type", "title", "status", "detail", "code", "error", "message", "help"}
)
_CODE_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "role_forbidden",
    404: "not_found",
    405: "method_unsupported",
    409: "conflict",
    413: "request_too_large",
    503: "overloaded",
}


def failure_of(
    status: int, data: bytes, retry_after: str | None = None, sign_in_at: str = ""
) -> VaultError:
    """The error that an answer with `status` >= 400 stands for, its extra fields kept.

    `sign_in_at` is the address where a person has to sign in, when that is what is missing.
    """
    try:
        document: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = {}
    fields = document if isinstance(document, dict) else {}
    code = fields.get("error")
    if not isinstance(code, str) or code not in ERRORS:
        code = _CODE_BY_STATUS.get(status, "internal")
    message = fields.get("message")
    detail = message if isinstance(message, str) else f"The worker answered {status}."
    extra = {name: value for name, value in fields.items() if name not in _COMMON_FIELDS}
    if code == "unauthorized" and sign_in_at:
        detail = f"Not signed in at {sign_in_at} (any more)."
        extra["help"] = f"Run `vault-tui login --addr {sign_in_at}`."
    seconds = int(retry_after) if retry_after and retry_after.isdecimal() else None
    return VaultError(code, detail, extra, seconds)


def unreachable(error: BaseException, where: str) -> VaultError:
    """Nothing listens, or what listens does not answer, or is not whom we trust."""
    if where.startswith("https://") and (failure := _tls_failure(error)) is not None:
        return _untrusted(failure, where)
    if isinstance(error, TimeoutError):
        return VaultError("no_worker", f"The worker at {where} does not answer.")
    if isinstance(error, PermissionError):
        return VaultError("no_worker", f"You may not open {where}; it belongs to another user.")
    if isinstance(error, ConnectionResetError) and where.startswith("http://"):
        return VaultError("no_worker", f"What listens at {where} closes plain http: try https://.")
    return VaultError("no_worker", f"No worker is running at {where}.")


def _tls_failure(error: BaseException | None) -> "ssl.SSLError | None":
    """The handshake's failure, wherever a library has wrapped it."""
    import ssl

    for _ in range(_DEEPEST_CAUSE):
        if error is None or isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _untrusted(error: "ssl.SSLError", where: str) -> VaultError:
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        return VaultError("worker_untrusted", f"The certificate of {where} is not trusted: {why}.")
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNEXPECTED_EOF_WHILE_READING"}:
        return VaultError("no_worker", f"What listens at {where} does not speak TLS.")
    reason = (error.reason or "no common TLS").replace("_", " ").lower()
    return VaultError("no_worker", f"TLS with {where} failed: {reason}.")


def unreadable(where: str) -> VaultError:
    """An answer that is not the contract's: another program, or another version."""
    return VaultError("internal", f"The answer from {where} is not a worker's of this version.")
