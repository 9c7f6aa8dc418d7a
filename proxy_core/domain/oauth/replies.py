"""What a token endpoint answered (RFC 6749 5.1), read as real providers write it.

Where providers differ from the RFC
- GitHub answers a failure with 200, and with a form where no JSON was asked for.
- Slack answers `ok: false` with 200, and keeps a user's tokens in `authed_user`.
- `expires_in` comes as a text, `token_type` not at all, scopes with commas or as a list.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from proxy_core.domain.oauth.failures import TokenError, refusal
from proxy_core.domain.oauth.subject import subject_of
from proxy_core.domain.oauth.tokens import TokenSet

MAX_TOKEN = 64 * 1024
MAX_LIFE = 10 * 366 * 86_400
MAX_SCOPES, MAX_SCOPE = 100, 512

_SCOPE = re.compile(r"[!-~]+")

# Bound to a key that the sender must prove: of no use as a bearer's.
_BOUND_TYPES = frozenset(("dpop", "mac", "pop"))


def parse_token_reply(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[bytes],
    now: float,
) -> TokenSet:
    """The tokens in an answer; header names are in lower case, `now` is in epoch seconds.

    `secrets` are what the request held: they are kept out of error texts. Raises TokenError.
    """
    fields = reply_fields(status, headers, body, secrets, now)
    # A user's tokens; a bot's stand at the top and come first.
    nested = fields.get("authed_user")
    holder: Mapping[str, Any] = fields
    if not fields.get("access_token") and isinstance(nested, Mapping):
        holder = nested
    _check_type(fields)
    access = token_bytes(holder.get("access_token"))
    if access is None:
        raise bad_reply(status, "the provider's answer holds no usable access token")
    refresh = token_bytes(holder.get("refresh_token"))
    if refresh is None and holder.get("refresh_token"):
        raise bad_reply(status, "the provider's answer holds no usable refresh token")
    return TokenSet(
        access_token=access,
        refresh_token=refresh,
        expires_at=expiry(holder.get("expires_in"), now),
        scopes=scopes_of(holder.get("scope")),
        subject=subject_of(fields),
    )


def reply_fields(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[bytes],
    now: float,
) -> dict[str, Any]:
    """The fields of an answer that is no refusal. Raises TokenError."""
    fields = _document(headers.get("content-type", ""), body)
    if not 200 <= status < 300:
        raise refusal(status, headers, fields or {}, secrets, now)
    if fields is None:
        raise bad_reply(status, "the provider's answer is neither JSON nor a form")
    if fields.get("error") or fields.get("ok") is False:
        raise refusal(status, headers, fields, secrets, now)
    return fields


def bad_reply(status: int, detail: str) -> TokenError:
    """An answer that can't be used; the next one may be."""
    return TokenError(final=False, code="bad_reply", detail=detail, status=status)


def _document(content_type: str, body: bytes) -> dict[str, Any] | None:
    """The body's fields: JSON whatever the type says, else a form if the type allows one."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in ("application/x-www-form-urlencoded", "text/plain"):
            return None
        try:
            pairs = parse_qsl(body.decode("utf-8"), strict_parsing=True, max_num_fields=100)
        except ValueError:
            return None
        return dict(pairs)
    return document if isinstance(document, dict) else None


def _check_type(fields: Mapping[str, Any]) -> None:
    kind = fields.get("token_type")
    if isinstance(kind, str) and kind.lower() in _BOUND_TYPES:
        detail = f"the provider issued a token of type {kind.lower()}, which is no bearer token"
        raise TokenError(final=True, code="unsupported_token_type", detail=detail)


def token_bytes(value: object) -> bytes | None:
    """A token as it is sent, None for what is none: RFC 6749 A allows visible ASCII and spaces."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TOKEN:
        return None
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        return None
    return value.encode("ascii")


def expiry(expires_in: object, now: float) -> float | None:
    """When a token ends, in epoch seconds; None where the provider tells no usable life."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return None
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(seconds) or seconds <= 0:
        return None
    return now + min(seconds, MAX_LIFE)


def scopes_of(value: object) -> tuple[str, ...]:
    """Scopes from a text with spaces or commas, or from a list; what can be none is left out."""
    items: list[Any] = value.replace(",", " ").split() if isinstance(value, str) else []
    if isinstance(value, list):
        items = value
    return tuple(item for item in items[:MAX_SCOPES] if isinstance(item, str) and is_scope(item))


def is_scope(text: str) -> bool:
    """Whether the text can be a scope: visible ASCII (RFC 6749 3.3), of a bearable length."""
    return 0 < len(text) <= MAX_SCOPE and _SCOPE.fullmatch(text) is not None
