"""GitHub Apps: a JWT proves the app, an installation token does its work for an hour.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.failures import TokenError, refusal
from proxy_core.domain.oauth.replies import token_bytes
from proxy_core.domain.oauth.tokens import TokenSet

API_VERSION = "2022-11-28"
SKEW_SECONDS = 60
LIFE_SECONDS = 540  # GitHub takes at most ten minutes, by its own clock
_GITHUB = ("github.com", "githubusercontent.com")
_ENTERPRISE_CLOUD = ".ghe.com"
_GIT_USER = b"x-access-token:"


def api_url(host: str) -> str:
    """The REST API of the GitHub that a service's host belongs to, without a slash at its end.

    GitHub itself, a tenant of `ghe.com`, or an Enterprise Server at the host's own name.
    Raises VaultError bad_request for a wildcard elsewhere, which names no one server.
    """
    bare = host.removeprefix("*.")
    if any(bare == one or bare.endswith(f".{one}") for one in _GITHUB):
        return "https://api.github.com"
    if bare.endswith(_ENTERPRISE_CLOUD):
        tenant = bare.removesuffix(_ENTERPRISE_CLOUD).rpartition(".")[2]
        return f"https://api.{tenant}{_ENTERPRISE_CLOUD}"
    if host != bare:
        raise VaultError("bad_request", "github-app needs the host of one GitHub, not a wildcard")
    return f"https://{host}/api/v3"


def takes_basic(host: str) -> bool:
    """Whether the host serves git alone, which wants the token as a password."""
    if host.endswith(_ENTERPRISE_CLOUD):
        return not host.startswith(("api.", "*."))
    return host == "github.com"


def authorization(host: str, token: bytes) -> bytes:
    """The Authorization field for an installation token."""
    if takes_basic(host):
        return b"Basic " + b64encode(_GIT_USER + token)
    return b"Bearer " + token


def app_claims(app_id: str, now: float) -> dict[str, Any]:
    """The claims of an app's JWT; `now` in epoch seconds."""
    issued = int(now) - SKEW_SECONDS
    return {"iss": app_id, "iat": issued, "exp": issued + SKEW_SECONDS + LIFE_SECONDS}


def token_url(host: str, installation_id: str) -> str:
    """Where an installation's tokens are made. Raises VaultError as `api_url`."""
    return f"{api_url(host)}/app/installations/{installation_id}/access_tokens"


def token_headers(jwt: str) -> dict[str, str]:
    """The fields of a request for a token, which has no body."""
    return {
        "authorization": f"Bearer {jwt}",
        "accept": "application/vnd.github+json",
        "x-github-api-version": API_VERSION,
    }


def parse_token(
    status: int, headers: Mapping[str, str], body: bytes, secrets: tuple[bytes, ...], now: float
) -> TokenSet:
    """The token in an answer; header names are in lower case. Raises TokenError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    fields = document if isinstance(document, dict) else {}
    if status != 201:
        raise refusal(status, headers, {"message": fields.get("message")}, secrets, now)
    token, expires_at = token_bytes(fields.get("token")), _time(fields.get("expires_at"))
    if token is None or expires_at is None:
        raise TokenError(False, "bad_reply", "GitHub's answer holds no token", status=status)
    return TokenSet(token, expires_at=expires_at)


def _time(value: object) -> float | None:
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError):
        return None
