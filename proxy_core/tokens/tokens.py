"""The secrets of a login, as text to be kept, and when they end."""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.tokens.login import Printed

LEAD_SECONDS = 60.0
"""A token is refreshed so long before its end: whoever gets one can use it that long at least."""
_VERSION = 1
_NO_TIME = 1e11
"""Epoch seconds, in the year 5138: what lies beyond is no end of a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`printed` is what is asked for; `secret` is a confidential client's. Its repr shows none of
    them. Times as in `Login`.
    """

    printed: str = field(repr=False)
    access: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    expires_at: float | None = None
    refresh_at: float | None = None

    def is_fresh(self, now: float) -> bool:
        """Whether it need not be refreshed yet."""
        return self.refresh_at is None or now < self.refresh_at

    def lives(self, now: float) -> bool:
        """Whether it has not ended."""
        return self.expires_at is None or now < self.expires_at

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"version": _VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def parsed(cls, text: str) -> "Tokens":
        """What `text` made. Raises VaultError not_signed_in for anything else."""
        try:
            document = json.loads(text)
            if document.pop("version") != _VERSION:
                raise ValueError("version")
            tokens = cls(**document)
            if not all(
                isinstance(each, str) for each in (tokens.printed, tokens.refresh, tokens.secret)
            ):
                raise TypeError("token")
            for each in (tokens.expires_at, tokens.refresh_at):
                math.isfinite(each or 0.0)
        except (ValueError, TypeError, OverflowError, KeyError, AttributeError, RecursionError):
            raise VaultError("not_signed_in", "What is kept of the login is damaged.") from None
        return tokens


def due(obtained_at: float, expires_at: float | None) -> float | None:
    """When to refresh: a minute before the end, and not before half of a short life is over."""
    if expires_at is None:
        return None
    return expires_at - min(LEAD_SECONDS, max(0.0, (expires_at - obtained_at) / 2))


def end_of(token: str, told: float | None) -> float | None:
    """When a token ends: as the issuer told, or as it says of itself, whichever is first."""
    own = claims_of(token).get("exp")
    known = [told] if told is not None else []
    if isinstance(own, int | float) and not isinstance(own, bool) and 0 <= own < _NO_TIME:
        known.append(float(own))
    return min(known, default=None)


def claims_of(token: str) -> Mapping[str, Any]:
    """A JWT's claims, its signature unchecked; empty for any other token.

    It came from the token endpoint itself over TLS (OpenID Connect Core 3.1.3.7), and whoever the
    token is shown to checks it.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def check_id_token(token: str, issuer: str, client_id: str) -> Mapping[str, Any]:
    """Its claims, if it was issued by `issuer` for `client_id` (OpenID Connect Core 3.1.3.7).

    Raises VaultError oauth_login_failed.
    """
    claims = claims_of(token)
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer or client_id not in audiences:
        raise VaultError("oauth_login_failed", "The ID token is another issuer's or client's.")
    return claims


def printable(wanted: Printed, access: str, id_token: str) -> str:
    """The token that is asked for. Raises VaultError oauth_login_failed where there is none."""
    chosen = id_token if wanted == "id" else access
    if not chosen:
        detail = "The issuer gave no ID token: sign in with --use access."
        raise VaultError("oauth_login_failed", detail)
    return chosen
