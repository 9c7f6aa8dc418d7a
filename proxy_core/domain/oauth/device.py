"""The device authorization grant's values (RFC 8628)."""

from dataclasses import dataclass, field

DEFAULT_INTERVAL = 5.0
SLOW_DOWN_SECONDS = 5.0


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
