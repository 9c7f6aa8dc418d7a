"""Why a provider issued no token, and whether asking again can help."""

from dataclasses import dataclass


@dataclass(slots=True)
class TokenError(Exception):
    """No token was issued.

    `final`: asking again with the same grant is useless, a person must connect anew. Otherwise
    try later, `retry_after` seconds from now if the provider said so.
    `code` is the provider's own (`invalid_grant`), `http_503`, or one of ours: `unreachable`,
    `timeout`, `tls`, `address_blocked`, `redirect_refused`, `reply_too_large`, `bad_reply`,
    `http_refused`.
    `detail` is one sentence, redacted and safe to show. `status` is HTTP's, 0 without an answer.
    """

    final: bool
    code: str
    detail: str
    retry_after: float | None = None
    status: int = 0

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"
