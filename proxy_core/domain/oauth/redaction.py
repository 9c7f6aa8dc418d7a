"""Text from a provider, made fit to be kept: no token, code or secret survives in it.

Rules
- Every stretch of 8 characters that also occurs in one of our secrets is covered, in any letter
  case, and so is a shorter secret as a whole: that catches cut, quoted and lengthened tokens.
- Secrets are looked for as they are and in percent, JSON, base64 and hexadecimal spelling.
- What merely looks like a token (24 characters or more of a token's alphabet, with a digit among
  them) goes too: the provider may have put a token there that we never had.
"""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from proxy_core.base.text import display_safe

REDACTED = "[redacted]"
MAX_DETAIL = 500

_STRETCH = 8
_MAX_INPUT = 4000
_TOKEN_LIKE = re.compile(r"(?=[A-Za-z0-9._~+/=%-]*[0-9])[A-Za-z0-9._~+/=%-]{24,}")


def redacted(text: str, secrets: Iterable[bytes], limit: int = MAX_DETAIL) -> str:
    """`text` without any of `secrets`, fit for a terminal, of at most `limit` characters."""
    text = text[:_MAX_INPUT]
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few letters change length with their case: then positions would not match.
        text = lowered
    covered = bytearray(len(text))
    for spelling in _spellings(secrets):
        _cover(lowered, spelling, covered)
    for match in _TOKEN_LIKE.finditer(text):
        covered[match.start() : match.end()] = b"\x01" * len(match[0])
    return display_safe(_without(text, covered), limit)


def _spellings(secrets: Iterable[bytes]) -> set[str]:
    found: set[str] = set()
    for secret in secrets:
        text = secret.decode("utf-8", "replace")
        found |= {
            text,
            quote(text, safe=""),
            quote_plus(text),
            json.dumps(text)[1:-1],
            text.replace("/", "\\/"),
            base64.b64encode(secret).decode().rstrip("="),
            base64.urlsafe_b64encode(secret).decode().rstrip("="),
            secret.hex(),
        }
    return {spelling.lower() for spelling in found if spelling}


def _cover(text: str, secret: str, covered: bytearray) -> None:
    """Mark where `text` shares a stretch with `secret`; both in lower case."""
    length = min(_STRETCH, len(secret))
    stretches = {secret[at : at + length] for at in range(len(secret) - length + 1)}
    for at in range(len(text) - length + 1):
        if text[at : at + length] in stretches:
            covered[at : at + length] = b"\x01" * length


def _without(text: str, covered: bytearray) -> str:
    pieces: list[str] = []
    hidden = False
    for character, is_covered in zip(text, covered, strict=True):
        if not is_covered:
            pieces.append(character)
        elif not hidden:
            pieces.append(REDACTED)
        hidden = bool(is_covered)
    return "".join(pieces)
