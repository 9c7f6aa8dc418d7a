"""Response heads: as strict as requests, framed by what was asked."""

import pytest

from proxy_core.mitm.http1 import (
    CHUNKED,
    NO_BODY,
    UNTIL_CLOSE,
    Framing,
    Limits,
    ProtocolError,
    find_response_head,
    parse_response_head,
)
from proxy_core.mitm.http1.websocket import accept_for

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
LENGTH_5 = b"Content-Length: 5"


def head(*fields: bytes, line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A head of these lines."""
    return line + b"\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def refused(data: bytes, method: bytes = b"GET", key: bytes | None = None) -> ProtocolError:
    """The error that parsing raises."""
    with pytest.raises(ProtocolError) as caught:
        parse_response_head(data, method, key)
    return caught.value


@pytest.mark.parametrize(
    ("line", "method", "fields", "framing", "keep_alive"),
    [
        (b"HTTP/1.1 200 OK", b"GET", (LENGTH_5,), Framing.of_length(5), True),
        (b"HTTP/1.1 200 OK", b"GET", (b"Transfer-Encoding: Chunked",), CHUNKED, True),
        (b"HTTP/1.1 200 OK", b"GET", (), UNTIL_CLOSE, False),
        (b"HTTP/1.1 200 OK", b"GET", (LENGTH_5, b"Connection: close"), Framing.of_length(5), False),
        (b"HTTP/1.0 200 OK", b"GET", (LENGTH_5,), Framing.of_length(5), False),
        (
            b"HTTP/1.0 200 OK",
            b"GET",
            (LENGTH_5, b"Connection: Keep-Alive"),
            Framing.of_length(5),
            True,
        ),
        (b"HTTP/1.1 200 OK", b"HEAD", (LENGTH_5,), NO_BODY, True),
        (b"HTTP/1.1 200 OK", b"HEAD", (), NO_BODY, True),
        (b"HTTP/1.1 200 OK", b"HEAD", (b"Transfer-Encoding: chunked",), NO_BODY, True),
        (b"HTTP/1.1 304 Not Modified", b"GET", (LENGTH_5,), NO_BODY, True),
        (b"HTTP/1.1 204 No Content", b"GET", (), NO_BODY, True),
        (b"HTTP/1.1 204 No Content", b"GET", (b"Content-Length: 0",), NO_BODY, True),
        (b"HTTP/1.1 204 No Content", b"GET", (LENGTH_5,), NO_BODY, False),
        (b"HTTP/1.1 204 No Content", b"GET", (b"Transfer-Encoding: chunked",), NO_BODY, False),
        (b"HTTP/1.1 100 Continue", b"POST", (), NO_BODY, True),
        (b"HTTP/1.1 103 Early Hints", b"GET", (LENGTH_5,), NO_BODY, False),
        (b"HTTP/1.1 200 OK", b"CONNECT", (LENGTH_5,), NO_BODY, False),
        (b"HTTP/1.1 407 Who", b"CONNECT", (LENGTH_5,), Framing.of_length(5), True),
        (
            b"HTTP/1.1 205 Reset Content",
            b"GET",
            (b"Content-Length: 0",),
            Framing.of_length(0),
            True,
        ),
    ],
)
def test_framing_follows_the_rfc(
    line: bytes, method: bytes, fields: tuple[bytes, ...], framing: Framing, keep_alive: bool
) -> None:
    """Status, method and fields decide the framing, and whether the connection is reusable."""
    parsed = parse_response_head(head(*fields, line=line), method)
    assert parsed.framing == framing
    assert parsed.keep_alive is keep_alive


@pytest.mark.parametrize(
    "fields",
    [
        (LENGTH_5, b"Transfer-Encoding: chunked"),
        (LENGTH_5, LENGTH_5),
        (LENGTH_5, b"Content-Length: 6"),
        (b"Content-Length: 5, 5",),
        (b"Content-Length: -5",),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: identity",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        (b"X-A : b",),
        (b"X-A: b\r\n c",),
        (b"X-A: a\rb",),
        (b"X-A: a\nb",),
        (b"X-A: a\x00b",),
        (b"X-A",),
        (b"Connection: a b",),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_broken_heads_are_the_upstreams_fault(fields: tuple[bytes, ...], method: bytes) -> None:
    """The same rules as for requests, with the code that blames the upstream."""
    assert refused(head(*fields), method).code == "upstream_protocol"


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/2 200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 +20 OK",
        b"ICY 200 OK",
        b"\r\nHTTP/1.1 200 OK",
        b"HTTP/1.1",
    ],
)
def test_broken_status_lines_are_refused(line: bytes) -> None:
    """A status line is a version, three digits and a reason."""
    assert refused(head(line=line)).code == "upstream_protocol"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"HTTP/1.1 200 ", b""),
        (b"HTTP/1.1 200", b""),
        (b"HTTP/1.1 200 Tr\xe8s bien", b"Tr\xe8s bien"),
    ],
)
def test_reason_may_be_anything(line: bytes, reason: bytes) -> None:
    """The reason is for people: empty, missing and 8-bit ones pass."""
    assert parse_response_head(head(line=line), b"GET").reason == reason


def test_chunked_from_http10_is_refused() -> None:
    """A transfer coding on HTTP/1.0 is faulty framing on this side too."""
    data = head(b"Transfer-Encoding: chunked", line=b"HTTP/1.0 200 OK")
    assert refused(data).code == "upstream_protocol"


def test_interim() -> None:
    """1xx are interim, except the final 101."""
    continued = parse_response_head(head(line=b"HTTP/1.1 100 Continue"), b"POST")
    assert continued.interim
    assert not parse_response_head(head(LENGTH_5), b"GET").interim


def switching(*fields: bytes) -> bytes:
    """A 101 with these fields."""
    return head(*fields, line=b"HTTP/1.1 101 Switching Protocols")


ACCEPT = b"Sec-WebSocket-Accept: " + accept_for(KEY)
UPGRADE = (b"Upgrade: WebSocket", b"Connection: upgrade")


def test_accept_is_the_rfcs_example() -> None:
    """The digest of RFC 6455 1.3."""
    assert accept_for(KEY) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_101_answers_a_handshake() -> None:
    """A right 101 is final, bodiless and ends HTTP on the connection."""
    parsed = parse_response_head(switching(*UPGRADE, ACCEPT), b"GET", KEY)
    assert (parsed.interim, parsed.framing, parsed.keep_alive) == (False, NO_BODY, False)


@pytest.mark.parametrize(
    "fields",
    [
        UPGRADE,
        (*UPGRADE, b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (*UPGRADE, ACCEPT, ACCEPT),
        (b"Upgrade: h2c", b"Connection: upgrade", ACCEPT),
        (b"Upgrade: websocket", ACCEPT),
        (b"Connection: upgrade", ACCEPT),
    ],
)
def test_wrong_101_is_refused(fields: tuple[bytes, ...]) -> None:
    """Every part of the answer to a handshake must be right."""
    assert refused(switching(*fields), key=KEY).code == "upstream_protocol"


def test_unsolicited_101_is_refused() -> None:
    """An upstream can't switch protocols on its own."""
    assert refused(switching(*UPGRADE, ACCEPT)).code == "upstream_protocol"


def test_limits() -> None:
    """Heads that are too large have their own code on this side."""
    with pytest.raises(ProtocolError) as caught:
        parse_response_head(head(b"A: 1", b"B: 2"), b"GET", limits=Limits(fields=1))
    assert caught.value.code == "response_too_large"
    with pytest.raises(ProtocolError) as caught:
        find_response_head(bytearray(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100), 0, 64)
    assert caught.value.code == "response_too_large"


def test_find_response_head() -> None:
    """The end is found; what is no response is refused with the upstream's code."""
    data = head(LENGTH_5)
    assert find_response_head(bytearray(data + b"hello"), 0, 1000) == len(data)
    assert find_response_head(bytearray(data[:-1]), 0, 1000) == -1
    with pytest.raises(ProtocolError) as caught:
        find_response_head(bytearray(b"HTTP/1.1 200 OK\n\n"), 0, 1000)
    assert caught.value.code == "upstream_protocol"
