"""What a secret may contain where it is put, in headers above all.

No error raised here holds a secret, nor does the exception it came from.
"""

import re

from proxy_core.base.errors import VaultError

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def checked_value(key: str, value: bytes) -> bytes:
    """`value` unless it holds a control character. Raises VaultError substitution_invalid."""
    if _CONTROL.search(value):
        raise invalid_value(key, "holds a line break or another control character")
    return value


def header_value(key: str, value: bytes) -> bytes:
    """`value` as it stands in a header. Raises VaultError substitution_invalid."""
    if value.isascii():
        return checked_value(key, value)
    try:
        encoded = value.decode("utf-8").encode("latin-1")
    except UnicodeError:
        encoded = None
    # Raised outside of the handler: a UnicodeError carries the value.
    if encoded is None:
        raise invalid_value(key, "holds a character that a header cannot hold")
    return checked_value(key, encoded)


def invalid_value(key: str, why: str) -> VaultError:
    """The error for a credential whose value does not fit."""
    return VaultError("substitution_invalid", f"the value of credential {key} {why}")
