"""AssumeRole of AWS' Security Token Service, on the wire: a form there, XML back.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.flat_xml import leaves
from proxy_core.domain.oauth.failures import TokenError, refusal
from proxy_core.domain.oauth.replies import bad_reply, token_bytes
from proxy_core.domain.oauth.tokens import TokenSet
from proxy_core.domain.service import Auth

CONTENT_TYPE: Final = "application/x-www-form-urlencoded; charset=utf-8"
DEFAULT_SESSION: Final = "vault-tui"
"""The session's name where the service gives none; it stands in the account's records."""

_RESULT: Final = "AssumeRoleResponse/AssumeRoleResult/Credentials/"
_ERROR: Final = "ErrorResponse/Error/"
_TOO_MANY: Final = 429
_THROTTLED: Final = frozenset(
    ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")
)


def assume_role_form(auth: Auth) -> bytes:
    """The body of the request for keys of `auth.role_arn`."""
    fields = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": auth.role_arn,
        "RoleSessionName": auth.session_name or DEFAULT_SESSION,
    }
    if auth.duration:
        fields["DurationSeconds"] = str(auth.duration)
    if auth.external_id:
        fields["ExternalId"] = auth.external_id
    return urlencode(fields).encode("ascii")


def parse_assumed(
    status: int, headers: Mapping[str, str], body: bytes, secrets: tuple[bytes, ...], now: float
) -> TokenSet:
    """The role's keys in an answer, packed; header names are in lower case, `now` in epoch seconds.

    `secrets` are what the request was signed with: they are kept out of error texts. Raises
    TokenError.
    """
    found = _leaves(body)
    if status != 200:
        raise _refusal(status, headers, found, secrets, now)
    parts = [_part(found, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    expires_at = _time(found.get(f"{_RESULT}Expiration", ""))
    if not all(parts) or expires_at is None:
        raise bad_reply(status, "STS' answer holds no keys of a role")
    if expires_at <= now:
        raise bad_reply(status, "STS gave out keys that have ended: one of the clocks is wrong")
    return TokenSet(AwsKeys(*parts).packed(), expires_at=expires_at)


def _leaves(body: bytes) -> Mapping[str, str]:
    try:
        return leaves(body)
    except ValueError:
        return {}


def _part(found: Mapping[str, str], name: str) -> str:
    """A part of the key; empty if it is none."""
    part = token_bytes(found.get(f"{_RESULT}{name}"))
    return "" if part is None or b" " in part else part.decode("ascii")


def _refusal(
    status: int,
    headers: Mapping[str, str],
    found: Mapping[str, str],
    secrets: tuple[bytes, ...],
    now: float,
) -> TokenError:
    code, message = found.get(f"{_ERROR}Code", ""), found.get(f"{_ERROR}Message", "")
    fields = {"error": code, "error_description": f"{code}: {message}" if message else code}
    # Throttling comes as a 400, which would count for good.
    error = refusal(_TOO_MANY if code in _THROTTLED else status, headers, fields, secrets, now)
    return replace(error, status=status, detail=f"STS refuses the role: {error.detail}")


def _time(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
        return None if moment.tzinfo is None else moment.timestamp()
    except (ValueError, OverflowError):
        return None
