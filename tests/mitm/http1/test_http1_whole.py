"""Responses in one piece: what passes unparsed is what parsing and rendering would have made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.mitm.http1 import (
    Limits,
    ProtocolError,
    Side,
    body_reader,
    parse_response_head,
    render_response,
    response_framing,
    whole_response,
)

LIMITS = Limits()
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\nok"

NAMES = st.sampled_from(
    b"""Content-Length content-length Content_Length Content-Lengthy Transfer-Encoding Connection
    connection Keep-Alive TE te Test Trailer Upgrade HTTP2-Settings Proxy-Authenticate proxy_x
    X-Vault-Proxy-Error X_Agent-Vault_Proxy-Error Content-Type Set-Cookie Date X-A x""".split()
)
VALUES = st.sampled_from(
    b"""2 02 3 +2 keep-alive Keep-Alive close chunked a \xe9 X-A,keep-alive text/plain;x=1
    text/event-stream application/x-ndjson""".split()
)
SEPARATORS = st.sampled_from([b": ", b": ", b": ", b":", b":  ", b":\t", b" : "])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b" \r\n", b"\n", b"\r\n "])
COMMON = st.sampled_from(
    b"Date: now|connection: Keep-Alive|Set-Cookie: a=b; c|Content-Type: text/html|Test: 1|"
    b"A: \xe9 b|Empty: |X-A:b".split(b"|")
).map(lambda line: line + b"\r\n")
ODD = st.tuples(NAMES, SEPARATORS, VALUES, ENDS).map(b"".join)
FIELDS = st.lists(COMMON, max_size=4) | st.lists(COMMON | ODD, max_size=4)
LINES = st.sampled_from(
    b"1.1 200 OK|1.1 200 OK|1.1 200 OK|1.1 500 What happened?|1.1 404 |1.1 404 N\xf6|1.1 200|"
    b"1.0 200 OK|1.1 204 No|1.1 304 Not|1.1 103 Hints|2 200 OK|1.1 999 What".split(b"|")
).map(b"HTTP/".__add__)
BODIES = st.sampled_from([b"ok", b"", b"okay", b"\r\n", b"o"])


def the_long_way(data: bytes) -> tuple[int, int, bytes] | None:
    """Status, size and wire of a response that ends with `data`; None if it isn't one."""
    end = data.find(b"\r\n\r\n") + 4
    try:
        head = parse_response_head(data[:end], b"GET")
        framing = response_framing(head.framing, 1)
        reader = body_reader(head.framing, side=Side.RESPONSE, out=framing)
        chunk = reader.feed(data[end:])
    except ProtocolError:
        return None
    if not head.keep_alive or not reader.complete or chunk.consumed != len(data) - end:
        return None
    wire = render_response(head, framing, close=False) + chunk.wire
    return head.status, len(chunk.payload), wire


@given(line=LINES, fields=FIELDS, place=st.integers(0, 5), body=BODIES)
def test_whatever_passes_is_what_the_long_way_makes(
    line: bytes, fields: list[bytes], place: int, body: bytes
) -> None:
    """Status, size and bytes agree for every response that is recognised."""
    if place < 5:
        fields.insert(place, b"Content-Length: %d\r\n" % len(body))
    data = line + b"\r\n" + b"".join(fields) + b"\r\n" + body
    whole = whole_response(data, LIMITS)
    if whole is not None:
        assert tuple(whole) == the_long_way(data)


def test_a_common_response_passes_as_it_is() -> None:
    """Not even copied."""
    whole = whole_response(PLAIN, LIMITS)
    assert whole is not None
    assert (whole.status, whole.payload) == (200, 2)
    assert whole.wire is PLAIN


def test_what_concerns_this_connection_alone_is_cut_out() -> None:
    """Many servers say `Connection: keep-alive` with each response."""
    for place in (b"Content-Type", b"Content-Length"):
        data = PLAIN.replace(place, b"connection: Keep-Alive\r\n" + place)
        whole = whole_response(data, LIMITS)
        assert whole is not None
        assert whole.wire == PLAIN


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-1],
        PLAIN + b"x",
        b"",
        PLAIN.replace(b"200 OK", b"204 No Content"),
        PLAIN.replace(b"200 OK", b"100 Continue"),
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"Content-Type: application/json", b"Content-Type: text/event-stream"),
        PLAIN.replace(b"Content-Type", b"X-Vault-Proxy-Error"),
        PLAIN.replace(b"Content-Type", b"Content-Length"),
        PLAIN.replace(b"Content-Type: application/json", b"Connection: close"),
        PLAIN.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
        PLAIN.replace(b": a", b":a"),
        PLAIN.replace(b"h: 2", b"h: 02"),
    ],
)
def test_anything_else_goes_the_long_way(data: bytes) -> None:
    """Incomplete, too long, without a body, for this hop, of another version or spelling."""
    assert whole_response(data, LIMITS) is None


def test_limits_count() -> None:
    """A head beyond them is for the long way to refuse."""
    assert whole_response(PLAIN, Limits(head=20)) is None
    assert whole_response(PLAIN, Limits(fields=1)) is None
