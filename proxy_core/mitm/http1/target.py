"""Request targets (RFC 9112 3.2) and the Host they name.

Only the grammar is decided here. Whether two spellings mean one host, and whether a path is safe to
match, is decided in `domain`.
"""

import re
from enum import StrEnum
from functools import lru_cache

import msgspec

from proxy_core.mitm.http1.values import Side

# No `#`: a fragment never goes over the wire. Characters that RFC 3986 wants encoded but clients
# send as they are (`|`, `{`, `"` …) can't change how a message is cut, and pass.
TARGET = rb"[!\"$-~]++"
# Neither userinfo, commas, percent signs nor zone identifiers: every reader must see one host.
_AUTHORITY = re.compile(
    rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._\-]{0,252}[A-Za-z0-9._\-])?|_[A-Za-z0-9._\-]{0,252}"
    rb"|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?"
)
_ABSOLUTE = re.compile(rb"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?]*)([^?]*)(?:\?(.*))?", re.DOTALL)


class TargetForm(StrEnum):
    """The four forms of RFC 9112 3.2."""

    ORIGIN = "origin"
    ABSOLUTE = "absolute"
    AUTHORITY = "authority"
    ASTERISK = "asterisk"


class Target(msgspec.Struct, frozen=True, gc=False):
    """A request target's parts; `query` is without its `?`, None when there is no `?`.

    `scheme` (lower case) and `authority` are empty where the form has none.
    """

    form: TargetForm
    scheme: bytes = b""
    authority: bytes = b""
    path: bytes = b""
    query: bytes | None = None

    @property
    def origin_form(self) -> bytes:
        """What an origin server gets to see: path and query, or `*`."""
        return self.path if self.query is None else self.path + b"?" + self.query


@lru_cache(maxsize=512)  # a connection names the same few hosts in all of its requests
def check_authority(authority: bytes) -> None:
    """`host[:port]` with a port from 1 to 65535, if any. Raises ProtocolError bad_request."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None or (match[1] is not None and not 0 < int(match[1]) < 65536):
        raise Side.REQUEST.malformed("malformed host")


def split_target(method: bytes, target: bytes) -> Target:
    """Tell the form and take the target apart. Raises ProtocolError bad_request."""
    if method == b"CONNECT":
        return _split_connect(target)
    if target.startswith(b"/"):
        path, mark, query = target.partition(b"?")
        return Target(TargetForm.ORIGIN, path=path, query=query if mark else None)
    if target == b"*":
        if method != b"OPTIONS":
            raise Side.REQUEST.malformed("target '*' is for OPTIONS only")
        return Target(TargetForm.ASTERISK, path=b"*")
    return _split_absolute(method, target)


def _split_connect(target: bytes) -> Target:
    check_authority(target)
    if target.endswith(b"]") or b":" not in target:
        raise Side.REQUEST.malformed("CONNECT needs host:port")
    return Target(TargetForm.AUTHORITY, authority=target)


def _split_absolute(method: bytes, target: bytes) -> Target:
    match = _ABSOLUTE.fullmatch(target)
    if match is None:
        raise Side.REQUEST.malformed("malformed request target")
    scheme, authority, path, query = match.groups()
    if scheme.lower() not in (b"http", b"https"):
        raise Side.REQUEST.malformed("scheme is neither http nor https")
    check_authority(authority)
    if not path:
        # RFC 9112 3.2.4: an OPTIONS without path and query means the server as a whole.
        path = b"*" if method == b"OPTIONS" and query is None else b"/"
    return Target(TargetForm.ABSOLUTE, scheme.lower(), authority, path, query)
