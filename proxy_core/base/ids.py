"""Tokens (secret) and ids (not secret).

A token is a prefix and 256 random bits in hex. It is shown once; only its SHA-256 is kept, which is
enough because a random token, unlike a password, cannot be guessed from its hash.

An id is 26 characters in Crockford's base 32: 48 bits of milliseconds, 60 random bits that are
drawn anew every second, and 20 that count. Ids of one process grow strictly, even when the clock is
put back, so they sort by creation.
"""

import hashlib
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
_LAST = (1 << 20) - 1


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
    """Hands out growing numbers, spelled. All but two pairs of digits are kept for an *era* of
    1,024 milliseconds, whose ids have their random bits in common and count behind them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._era = -1
        self._time = self._random = ""
        self._count = 0

    def next(self) -> str:
        now = int(time.time() * 1000)
        with self._lock:
            if now < self._millisecond:  # the clock was put back
                now = self._millisecond
            if now >> 10 != self._era:
                self._begin(now >> 10)
            elif self._count == _LAST:
                self._begin(self._era + 1)
                now = self._era << 10
            self._millisecond = now
            self._count = count = self._count + 1
            return (
                self._time
                + _PAIRS[now & 1023]
                + self._random
                + _PAIRS[count >> 10]
                + _PAIRS[count & 1023]
            )

    def _begin(self, era: int) -> None:
        self._era, self._count = era, 0
        self._time = _spelled(era, 4)
        self._random = _spelled(secrets.randbits(60), 6)


def _spelled(number: int, pairs: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(10 * (pairs - 1), -1, -10)])


_source = _IdSource()


def new_id() -> str:
    """A new id that sorts after all earlier ones of this process. Unique, but not a secret."""
    return _source.next()
