"""The device authorization grant's values (RFC 8628)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from proxy_core.base.text import display_safe
from proxy_core.domain.oauth.replies import bad_reply, expiry, reply_fields, token_bytes

DEFAULT_INTERVAL = 5.0
SLOW_DOWN_SECONDS = 5.0
LONGEST_INTERVAL = 60.0
MAX_USER_CODE = 64
MAX_URI = 512


@dataclass(frozen=True, slots=True)
class DeviceStart:
    """What a person is shown, and what the client polls with.

    `interval` is in seconds, `expires_at` in epoch seconds; `verification_uri_complete` holds the
    code already and may be empty.
    """

    verification_uri: str
    user_code: str
    device_code: bytes = field(repr=False)
    interval: float
    expires_at: float
    verification_uri_complete: str = ""


def parse_device_reply(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[bytes],
    now: float,
) -> DeviceStart:
    """The codes in an answer of the device endpoint (RFC 8628 3.2). Raises TokenError."""
    fields = reply_fields(status, headers, body, secrets, now)
    code = token_bytes(fields.get("device_code"))
    user_code = fields.get("user_code")
    # Google says URL where the RFC says URI.
    uri = _web_address(fields.get("verification_uri") or fields.get("verification_url"))
    complete = fields.get("verification_uri_complete") or fields.get("verification_url_complete")
    end = expiry(fields.get("expires_in"), now)
    if code is None or not isinstance(user_code, str) or not user_code or not uri or end is None:
        raise bad_reply(status, "the provider's answer holds no usable device code")
    wait = expiry(fields.get("interval"), 0.0)
    return DeviceStart(
        verification_uri=uri,
        user_code=display_safe(user_code, MAX_USER_CODE),
        device_code=code,
        interval=min(max(wait or DEFAULT_INTERVAL, 1.0), LONGEST_INTERVAL),
        expires_at=end,
        verification_uri_complete=_web_address(complete),
    )


def _web_address(value: object) -> str:
    """A URL that a person may be sent to; empty for anything else."""
    if not isinstance(value, str) or len(value) > MAX_URI:
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    plain = value.isascii() and value.isprintable() and " " not in value
    return value if plain and parts.scheme in ("https", "http") and parts.hostname else ""
