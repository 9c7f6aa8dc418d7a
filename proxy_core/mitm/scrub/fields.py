"""Header fields of an exchange whose response will be scrubbed.

Towards the upstream: only codings that can be taken off again, no ranges (a secret could be asked
for in parts), no WebSocket extensions (compressed frames can't be read).

Towards the client: values without secrets; what said something of the coded bytes goes with the
coding, and digests go unless the body is known to pass as it came. A response to HEAD and a 304
announce what a GET would get. ETag stays: it is for the upstream, which will be asked with it, and
a changed one would break If-Match.
"""

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Scrub
from proxy_core.mitm.http1 import RequestHead, ResponseHead, without_digests
from proxy_core.mitm.http1.fields import Field
from proxy_core.mitm.scrub.coding import CODINGS

_ACCEPT_ENCODING = b"accept-encoding"
_NOT_ASKED = frozenset((b"range", b"if-range", b"a-im", b"sec-websocket-extensions"))
_OF_CODED_BYTES = frozenset((b"content-encoding", b"content-length"))
# Written from what was understood, or checked against the request: never echoed text.
_FRAMING = frozenset(
    b"content-length transfer-encoding connection upgrade sec-websocket-accept".split()
)
_OF_PARTS = frozenset((b"accept-ranges",))
_IDENTITY = b"identity"


def readable_request(head: RequestHead) -> RequestHead:
    """The request, asking for nothing that could not be read."""
    headers = []
    for name, value in head.headers:
        key = name.lower()
        if key == _ACCEPT_ENCODING:
            headers.append((name, _readable_codings(value)))
        elif key not in _NOT_ASKED:
            headers.append((name, value))
    return msgspec.structs.replace(head, headers=headers)


def _readable_codings(value: bytes) -> bytes:
    """The elements of Accept-Encoding that can be decoded, weights and order as they were."""
    elements = value.split(b",")
    known = [
        element.strip()
        for element in elements
        if element.split(b";")[0].strip().lower() in CODINGS | {_IDENTITY}
    ]
    return value if len(known) == len(elements) else b", ".join(known) or _IDENTITY


def content_coding(response: ResponseHead) -> bytes | None:
    """The coding to take off, None for a body as it is.

    Raises VaultError response_unreadable: an unknown coding, several, a part of the content.
    """
    if response.status == 206:
        raise VaultError("response_unreadable", "the upstream sent a part that nobody asked for")
    codings = _codings(response)
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in CODINGS:
        raise VaultError("response_unreadable", "the response's content coding can't be decoded")
    return codings[0]


def _codings(response: ResponseHead) -> list[bytes]:
    codings = [
        element.strip().lower()
        for name, value in response.headers
        if len(name) == 16 and name.lower() == b"content-encoding"
        for element in value.split(b",")
    ]
    return [coding for coding in codings if coding not in (b"", _IDENTITY)]


def check_readable_frames(response: ResponseHead) -> None:
    """Raises VaultError response_unreadable when extensions may have changed the frames."""
    for name, value in response.headers:
        if value and name.lower() == b"sec-websocket-extensions":
            detail = "the upstream uses a WebSocket extension that nobody asked for"
            raise VaultError("response_unreadable", detail)


def scrubbed_head(scrub: Scrub, response: ResponseHead) -> ResponseHead:
    """The head without secrets."""
    headers = scrubbed_fields(scrub, response.headers)
    reason = scrub.whole(response.reason) if response.reason else b""
    return msgspec.structs.replace(response, headers=headers, reason=reason)


def as_delivered(
    response: ResponseHead, *, decoded: bool, as_it_came: bool = False
) -> ResponseHead:
    """The head without what would not be true of the body as it goes on.

    `decoded`: its coding is taken off; `as_it_came`: no byte of it was replaced, which is certain
    only when all of it was read. Ranges are not offered, since none would be asked for.
    """
    headers = response.headers if as_it_came else without_digests(response.headers)
    untrue = _OF_CODED_BYTES | _OF_PARTS if decoded else _OF_PARTS
    headers = [field for field in headers if field[0].lower() not in untrue]
    return msgspec.structs.replace(response, headers=headers)


def is_clean(scrub: Scrub, status: int, response: bytes, body: int) -> bool:
    """Whether a whole response, whose body begins at `body`, is to be changed in nothing.

    It holds no secret, and its head no coding, no offer of ranges and no part of the content.
    """
    head = response[:body].lower()
    return (
        status != 206
        and b"\r\ncontent-encoding:" not in head
        and b"\r\naccept-ranges:" not in head
        and scrub.whole(response) is response
    )


def is_coded(response: ResponseHead) -> bool:
    """Whether a coding is announced, one that can be taken off or another."""
    return bool(_codings(response))


def scrubbed_fields(scrub: Scrub, fields: list[Field]) -> list[Field]:
    """Names and values without secrets."""
    # No secret holds a line break: one look at all of them tells that there is nothing to do.
    block = b"\n".join([part for field in fields for part in field])
    if scrub.whole(block) is block:
        return fields
    return [
        (name, value) if name.lower() in _FRAMING else (scrub.whole(name), scrub.whole(value))
        for name, value in fields
    ]
