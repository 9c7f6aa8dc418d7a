"""Placeholders in a request's head are replaced by secrets, on the declared surfaces alone.

All placeholders are replaced in one pass, longest first where two begin alike, so that a secret is
never searched for further placeholders. In path and query the value is percent-encoded: it cannot
begin a segment, a parameter or a fragment. Values and targets are bytes, as on the wire.
"""

import re
from collections.abc import Callable, Sequence
from urllib.parse import quote_from_bytes

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.secret_values import checked_value, header_value, invalid_value
from proxy_core.domain.service import Surface
from proxy_core.domain.target import check_path

# Substitutions carry no key: the placeholder is what an operator can look up.
_SOME_KEY = "for a placeholder"
MAX_IN_HEAD = 1024 * 1024
"""Bytes that one target or field may grow to: it can name a long secret many times."""
# Legal inside a segment and meant literally by those who put a token there (`bot123:abc`).
_SEGMENT_SAFE = ":@$&+="


def substitute_path(path: bytes, substitutions: Sequence[SecretSubstitution]) -> bytes:
    """`path` with the PATH placeholders replaced.

    Raises VaultError substitution_invalid: a value holds a control character or would make a `.` or
    `..` segment.
    """
    replaced = _replace(path, substitutions, Surface.PATH, _for_path)
    if replaced is not path:
        _check_segments(replaced)
    return replaced


def substitute_query(query: bytes, substitutions: Sequence[SecretSubstitution]) -> bytes:
    """`query` (without `?`) with the QUERY placeholders replaced.

    Raises VaultError substitution_invalid: a value holds a control character.
    """
    return _replace(query, substitutions, Surface.QUERY, _for_query)


def substitute_header_value(value: bytes, substitutions: Sequence[SecretSubstitution]) -> bytes:
    """`value` with the HEADER placeholders replaced by Latin-1 text.

    Raises VaultError substitution_invalid: a secret holds a control character or one outside
    Latin-1.
    """
    return _replace(value, substitutions, Surface.HEADER, _for_header)


def _replace(
    text: bytes,
    substitutions: Sequence[SecretSubstitution],
    surface: Surface,
    encode: Callable[[bytes], bytes],
) -> bytes:
    present = {
        item.placeholder: item.value
        for item in substitutions
        if surface in item.surfaces and item.placeholder in text
    }
    if not present:
        return text
    growth = sum(3 * len(value) * text.count(name) for name, value in present.items())
    if growth > MAX_IN_HEAD:
        raise VaultError("headers_too_large", "too large with its placeholders replaced")
    pattern = b"|".join(re.escape(name) for name in sorted(present, key=len, reverse=True))
    return re.sub(pattern, lambda found: encode(checked_value(_SOME_KEY, present[found[0]])), text)


def _for_path(value: bytes) -> bytes:
    return quote_from_bytes(value, safe=_SEGMENT_SAFE).encode("ascii")


def _for_query(value: bytes) -> bytes:
    return quote_from_bytes(value, safe="").encode("ascii")


def _for_header(value: bytes) -> bytes:
    return header_value(_SOME_KEY, value)


def _check_segments(path: bytes) -> None:
    try:
        check_path(path.decode("ascii"))
        harmless = True
    except (VaultError, UnicodeDecodeError):
        harmless = False
    # Raised outside of the handler: the path now holds the secret.
    if not harmless:
        raise invalid_value(_SOME_KEY, "would change where the path leads")
