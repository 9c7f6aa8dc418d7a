"""Request paths: what is refused outright, and how else a server might read one.

A path is matched exactly as it is forwarded. Some servers decode, collapse or resolve a path before
they use it, so a path could be matched in one spelling and obeyed in another. Two rules close that:

- `check_path` refuses what no client needs: dot segments in any spelling, backslashes, control
  characters, an encoded NUL, broken percent escapes. Other encoded controls go on as they are.
- `spellings` lists how else a path may be read. Whoever decides by path decides each of them, and
  refuses the request when the answers differ. `%2F` is legal as long as nothing hangs on it.
"""

import re

from proxy_core.base.errors import VaultError

# Nothing to decode, collapse or resolve: nearly every path. Dots may not begin a segment here.
_PLAIN = re.compile(
    r"(?=/)(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_~!$&'()*+,;=:@.-]*)*/?", re.ASCII
)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\?#]|[^\x00-\x7f]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED_NUL = re.compile(r"%(?:25)*00")
# `(?:25)*`: escaped once more for each server on the way that decodes.
_SEGMENTS = re.compile(r"/|%(?:25)*(?:2[Ff]|5[Cc])")
# `..;x` too: some servers drop what follows the semicolon before they resolve the dots.
_DOT_SEGMENT = re.compile(r"(?:\.|%(?:25)*2[Ee]){1,2}(?:(?:;|%(?:25)*3[Bb]).*)?", re.DOTALL)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES = re.compile(r"//+")
_TWICE_ENCODED = re.compile(r"%25(?=[0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"%2F|%5C")
_DECODE_ROUNDS = 3


def check_path(path: str) -> None:
    """Raise VaultError bad_request unless `path` has one meaning as to where it leads.

    `path` is the forwarded one without the query; `*` stands for the server (OPTIONS).
    """
    if _PLAIN.fullmatch(path) or path == "*":
        return
    if not path.startswith("/"):
        raise VaultError("bad_request", "path does not start with a slash")
    if _FORBIDDEN.search(path):
        raise VaultError("bad_request", "path holds a character that must be percent-encoded")
    if _BROKEN_ESCAPE.search(path):
        raise VaultError("bad_request", "path holds a percent sign without two hex digits")
    if _ESCAPED_NUL.search(path):  # where some servers take the path to end
        raise VaultError("bad_request", "path holds an encoded NUL")
    if any(_DOT_SEGMENT.fullmatch(segment) for segment in _SEGMENTS.split(path)):
        raise VaultError("bad_request", "path holds a `.` or `..` segment; send the resolved path")


def is_plain(path: str) -> bool:
    """Whether every server reads `path` alike, and it passes `check_path`. Fast."""
    return _PLAIN.fullmatch(path) is not None


def spellings(path: str) -> tuple[str, ...]:
    """How else a server may read a path that passed `check_path`; `path` is not included."""
    found: dict[str, None] = {}
    decoded = path
    for _ in range(_DECODE_ROUNDS):
        decoded = normal_escapes(decoded)
        slashed = _ENCODED_SLASH.sub("/", decoded)
        for spelling in (decoded, slashed, _SLASHES.sub("/", decoded), _SLASHES.sub("/", slashed)):
            found[spelling] = None
        decoded = _TWICE_ENCODED.sub("%", decoded)
    found.pop(path, None)
    return tuple(found)


def normal_escapes(path: str) -> str:
    """`path` with nothing escaped that need not be, and escapes in upper case."""
    return _ESCAPE.sub(_decode_harmless, path)


def _decode_harmless(escape: re.Match[str]) -> str:
    """Decode unreserved characters (RFC 3986, 6.2.2.2); give the rest upper-case digits."""
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()
