"""Tokens that an operator pastes, in the shapes that tools keep them in.

A shape is a row of `_SHAPES`: how to recognise it, and what its fields are called. Another tool's
file is another row.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.replies import MAX_LIFE, expiry, scopes_of, token_bytes
from proxy_core.domain.oauth.stand_ins import is_stand_in
from proxy_core.domain.oauth.subject import subject_of
from proxy_core.domain.oauth.tokens import TokenSet

MAX_PASTED = 256 * 1024

_Time = Callable[[object], float | None]


def _seconds(value: object) -> float | None:
    """Epoch seconds, or a date of RFC 3339 with its offset from UTC."""
    if isinstance(value, str):
        return _date(value)
    return _number(value, 1.0)


def _milliseconds(value: object) -> float | None:
    return _number(value, 1000.0)


def _number(value: object, unit: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value) / unit
    except OverflowError:
        return None
    # Beyond the year 5138: surely in another unit.
    return seconds if math.isfinite(seconds) and 0 < seconds < 1e11 else None


def _date(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class _Shape:
    """A way to write tokens down; `inside` is the field that holds the rest, if there is one."""

    access: str
    refresh: str
    ends: tuple[tuple[str, _Time], ...]
    inside: str = ""

    def holder(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The mapping with the tokens, None if the document has another shape."""
        found = document.get(self.inside) if self.inside else document
        return found if isinstance(found, Mapping) and self.access in found else None


_SHAPES = (
    # Claude Code's ~/.claude/.credentials.json
    _Shape("accessToken", "refreshToken", (("expiresAt", _milliseconds),), "claudeAiOauth"),
    # RFC 6749's own names, as most tools keep them; for the end they have several
    _Shape(
        "access_token",
        "refresh_token",
        (("expires_at", _seconds), ("expired", _seconds), ("expiry_date", _milliseconds)),
    ),
)


def parse_pasted(text: str, now: float) -> TokenSet:
    """Tokens from JSON text, in any shape of `pasted_tokens`. Raises VaultError bad_request."""
    if len(text) > MAX_PASTED:
        raise _unusable("that is too long to be tokens")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        # The cause's text would show what was pasted.
        raise _unusable("paste the tokens as JSON: access_token, refresh_token") from None
    if not isinstance(document, Mapping):
        raise _unusable("paste the tokens as a JSON object: access_token, refresh_token")
    return pasted_tokens(document, now)


def pasted_tokens(document: Mapping[str, Any], now: float) -> TokenSet:
    """Tokens from a document; `now` in epoch seconds is what `expires_in` counts from.

    The document has `access_token` and, each if known, `refresh_token`, `expires_at` or `expired`
    (epoch seconds or RFC 3339), `expiry_date` (epoch milliseconds) or `expires_in` (seconds),
    `scopes`; or it is a `.credentials.json`.
    Raises VaultError bad_request, and never shows a value of the document.
    """
    for shape in _SHAPES:
        holder = shape.holder(document)
        if holder is not None:
            return _read(shape, holder, now)
    raise _unusable("there is no access_token, and no claudeAiOauth, in what was pasted")


def _read(shape: _Shape, fields: Mapping[str, Any], now: float) -> TokenSet:
    access = _token(fields, shape.access)
    if access is None:
        raise _unusable(f"{shape.access} is empty")
    return TokenSet(
        access_token=access,
        refresh_token=_token(fields, shape.refresh),
        expires_at=_end(shape, fields, now),
        scopes=scopes_of(fields.get("scopes") or fields.get("scope")),
        subject=subject_of(fields),
    )


def _token(fields: Mapping[str, Any], name: str) -> bytes | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    token = token_bytes(value.strip() if isinstance(value, str) else value)
    if token is None:
        raise _unusable(f"{name} is no token: it must be one line of visible characters")
    if is_stand_in(token.decode("ascii")):
        raise _unusable(f"{name} is a placeholder, not a real token")
    return token


def _end(shape: _Shape, fields: Mapping[str, Any], now: float) -> float | None:
    """When the access token ends: a moment before a life, for the moment needs no clock."""
    for name, read in shape.ends:
        if fields.get(name) is None:
            continue
        moment = read(fields[name])
        if moment is None:
            raise _unusable(f"{name} is no time that can be understood")
        return min(moment, now + MAX_LIFE)
    life = fields.get("expires_in")
    if life is None:
        return None
    end = expiry(life, now)
    if end is None:
        raise _unusable("expires_in must be a number of seconds")
    return end


def _unusable(why: str) -> VaultError:
    return VaultError("bad_request", why)
