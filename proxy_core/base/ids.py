"""Tokens (secret) and ids (not secret).

A token is a prefix and 256 random bits in hex. It is shown once; only its SHA-256 is kept, which is
enough because a random token, unlike a password, cannot be guessed from its hash.

An id is 26 characters: 48 bits of milliseconds, then 80 random bits, in Crockford's base 32. Ids of
one process grow strictly, even when the clock is put back, so they sort by creation.
"""

import hashlib
import os
import secrets
import threading
import time

AGENT_PREFIX = "vt_agt_"
SESSION_PREFIX = "vt_sess_"
USER_PREFIX = "vt_user_"
PAGE_PREFIX = "vt_page_"
APPROVAL_PREFIX = "vt_appr_"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_RANDOM_BITS = 80
_END_BITS = 20
_END = (1 << _END_BITS) - 1
_SHIFTS = range(100, -1, -10)


def new_token(prefix: str) -> str:
    """A new secret token: `prefix` and 64 hex digits."""
    return prefix + secrets.token_hex(32)


def token_sha256(token: str | bytes) -> bytes:
    """The 32 bytes by which a token is stored and looked up.

    A str that UTF-8 cannot encode (lone surrogates) hashes like no real token does.
    """
    if isinstance(token, str):
        token = token.encode("utf-8", "surrogatepass")
    return hashlib.sha256(token).digest()


class _IdSource:
    """Hands out growing 128-bit numbers, spelled. Most share all but their end with the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._last = 0
        self._shared = -1
        self._spelled = ""

    def next(self) -> str:
        now = int(time.time() * 1000)
        with self._lock:
            if now > self._millisecond:
                self._millisecond = now
                self._last = now << _RANDOM_BITS | int.from_bytes(os.urandom(10))
            else:  # one more in this millisecond, or the clock was put back
                self._last += 1
            shared, end = self._last >> _END_BITS, self._last & _END
            if shared != self._shared:
                self._shared = shared
                self._spelled = "".join([_PAIRS[shared >> shift & 1023] for shift in _SHIFTS])
            return self._spelled + _PAIRS[end >> 10] + _PAIRS[end & 1023]


_source = _IdSource()


def new_id() -> str:
    """A new id that sorts after all earlier ones of this process. Unique, but not a secret."""
    return _source.next()
