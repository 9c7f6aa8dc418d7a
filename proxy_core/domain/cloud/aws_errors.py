"""What AWS says of temporary keys that no longer count, where a head says it.

Services that speak JSON name the error in a field. S3 and the older ones do so in the body, which
nobody waits for; there it is the keys' own end that has others made.
"""

from collections.abc import Sequence
from typing import Final

_FIELD: Final = b"x-amzn-errortype"
_OF_KEYS: Final = frozenset(
    (
        b"ExpiredToken",
        b"ExpiredTokenException",
        b"InvalidClientTokenId",
        b"UnrecognizedClientException",
    )
)


def refuses_keys(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a response's fields say that the keys were refused, and not a right of theirs."""
    return any(name.lower() == _FIELD and _name(value) in _OF_KEYS for name, value in headers)


def _name(value: bytes) -> bytes:
    """Of `com.amazon.coral#ExpiredTokenException:http://…` the name."""
    return value.partition(b":")[0].rpartition(b"#")[2].strip()
