"""An AWS access key, and how a temporary one is kept as a single value."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """An access key; `session_token` is empty for a user's own. No part holds a blank."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def packed(self) -> bytes:
        """All parts as one value, ASCII."""
        parts = (self.access_key_id, self.secret_access_key, self.session_token)
        return " ".join(parts).encode("ascii")

    @classmethod
    def unpacked(cls, value: bytes) -> "AwsKeys":
        """The reverse of `packed`."""
        return cls(*value.decode("ascii").split(" "))
