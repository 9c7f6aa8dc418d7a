"""The token in the kernel's memory (Linux, keyrings(7)): read in a millisecond, gone with its life.

It lies in the user's keyring, as all programs of that user can read there; it is never written to a
disk, and the kernel drops it when it ends. Where the kernel has no keyrings or forbids them
(containers often do), there is no cache, and nothing else changes.

System calls by number: the C library has no functions for these, and libkeyutils may be missing.
"""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes

MAX_TOKEN = 32_000
"""Bytes; the kernel takes 32767 a key, the line before the token included."""

# (add_key, keyctl) by machine, from the kernel's tables.
_NUMBERS = {
    "x86_64": (248, 250),
    "aarch64": (217, 219),
    "riscv64": (217, 219),
    "loongarch64": (217, 219),
    "ppc64le": (269, 271),
    "s390x": (278, 280),
}
_SESSION, _USER = -3, -4
_REVOKE, _SETPERM, _LINK, _SEARCH, _READ, _SET_TIMEOUT = 3, 5, 8, 10, 11, 15
# All for whoever has the keyring in reach; seeing, reading, finding and revoking for the same user:
# a service's session may not have it in reach.
_PERMISSIONS = 0x3F_2F_00_00


def cached(home: str) -> str | None:
    """The token of the login in that home; None when there is none that is good for a while."""
    keys = _Keys.usable()
    key = keys and keys.search(_name(home))
    if not keys or not key:
        return None
    until, _, token = keys.read(key).decode("ascii", "replace").partition("\n")
    return token if until.isdigit() and time.time() < int(until) else None


def keep(home: str, token: str, good_until: float) -> None:
    """Keep a token until then, in epoch seconds. Whatever stands in the way: it isn't kept."""
    left = int(good_until - time.time())
    keys = _Keys.usable()
    if keys is None or left <= 0 or len(token) > MAX_TOKEN or not token.isascii():
        return
    # The timeout's field has 32 bits.
    lasting = min(left, 2**31)
    keys.add(_name(home), f"{int(good_until)}\n{token}".encode("ascii"), lasting)


def forget(home: str) -> None:
    """Take the token out."""
    keys = _Keys.usable()
    key = keys and keys.search(_name(home))
    if keys and key:
        keys.revoke(key)


def _name(home: str) -> bytes:
    return b"vault-tui:token:" + os.fsencode(home)


class _Keys:
    """The few calls that are needed, on the user's keyring. Failures are falsy results."""

    def __init__(self, library: "ctypes.CDLL", add_key: int, keyctl: int) -> None:
        self._call = library.syscall
        self._add_key, self._keyctl = add_key, keyctl

    @classmethod
    def usable(cls) -> "_Keys | None":
        """None on a system without these calls."""
        numbers = _NUMBERS.get(os.uname().machine) if sys.platform == "linux" else None
        if numbers is None or sys.maxsize < 2**32:
            return None
        import ctypes

        library = ctypes.CDLL(None)
        library.syscall.restype = ctypes.c_long
        return cls(library, *numbers)

    def search(self, name: bytes) -> int:
        """The key's number; 0 if there is none."""
        return max(0, self._control(_SEARCH, _USER, b"user", name, 0))

    def read(self, key: int) -> bytes:
        """What the key holds; empty if that can't be read."""
        import ctypes

        buffer = ctypes.create_string_buffer(MAX_TOKEN + 64)
        length = self._control(_READ, key, buffer, ctypes.c_size_t(len(buffer)))
        return buffer.raw[:length] if 0 < length <= len(buffer) else b""

    def add(self, name: bytes, content: bytes, seconds: int) -> None:
        """Make the key, or give it new content. One that would stay for ever is revoked."""
        import ctypes

        # A key is in reach only through the session's keyring: some sessions lack this link.
        self._control(_LINK, _USER, _SESSION)
        length = ctypes.c_size_t(len(content))
        key = self._call(self._add_key, b"user", name, content, length, ctypes.c_int(_USER))
        if key <= 0:
            return
        if self._control(_SET_TIMEOUT, key, ctypes.c_uint(seconds)) < 0:
            self.revoke(key)
            return
        self._control(_SETPERM, key, ctypes.c_uint(_PERMISSIONS))

    def revoke(self, key: int) -> None:
        """End a key; its content is dropped at once."""
        self._control(_REVOKE, key)

    def _control(self, operation: int, *arguments: object) -> int:
        import ctypes

        numbers = (ctypes.c_int(each) if isinstance(each, int) else each for each in arguments)
        return int(self._call(self._keyctl, operation, *numbers))
