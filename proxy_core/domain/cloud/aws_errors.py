"""What AWS says of temporary keys that no longer count.

Services that speak JSON name the error in a field, and in a member of the body. S3 and the older
ones name it in the body alone, which is XML.
"""

import re
from collections.abc import Sequence
from typing import Final

_FIELD: Final = b"x-amzn-errortype"
_OF_KEYS: Final = frozenset(
    (
        b"ExpiredToken",
        b"ExpiredTokenException",
        b"InvalidAccessKeyId",
        b"InvalidClientTokenId",
        b"InvalidToken",
        b"UnrecognizedClientException",
    )
)
# The first one counts: what was asked for may be quoted behind it.
_IN_BODY: Final = re.compile(
    rb"\A(?:\s*<\?xml[^>]*>)?\s*<(?:Error|ErrorResponse|Response)\b.*?<Code>(?P<xml>[^<]*)</Code>"
    rb'|\A\s*\{.*?"__type"\s*:\s*"(?P<json>[^"]*)"',
    re.DOTALL,
)


def refuses_keys(headers: Sequence[tuple[bytes, bytes]], body: bytes = b"") -> bool:
    """Whether a response says that the keys were refused, and not a right of theirs.

    `body` is decoded, and empty where nobody has looked into it.
    """
    if any(name.lower() == _FIELD and _name(value) in _OF_KEYS for name, value in headers):
        return True
    found = _IN_BODY.match(body)
    return found is not None and _name(found["xml"] or found["json"] or b"") in _OF_KEYS


def _name(value: bytes) -> bytes:
    """Of `com.amazon.coral#ExpiredTokenException:http://…` the name."""
    return value.partition(b":")[0].rpartition(b"#")[2].strip()
