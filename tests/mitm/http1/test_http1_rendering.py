"""Heads as they are written: what passes, what ends here, what is ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import NO_INJECTION, Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from proxy_core.mitm.http1 import (
    CHUNKED,
    NO_BODY,
    UNTIL_CLOSE,
    Framing,
    ProtocolError,
    injected_names,
    outline_request,
    parse_request_head,
    parse_response_head,
    render_request,
    render_response,
    response_framing,
)

BEARER = Injection(headers=((b"Authorization", b"Bearer real"),))
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def upstream(*fields: bytes, line: bytes = b"GET /x", injection: Injection = NO_INJECTION) -> bytes:
    """What goes upstream for a request with these fields."""
    data = line + b" HTTP/1.1\r\nHost: client.example\r\n"
    head = parse_request_head(data + b"".join(field + b"\r\n" for field in fields) + b"\r\n")
    return render_request(head, b"/x", b"real.example:8443", injection)


def lines(data: bytes) -> list[bytes]:
    """The field lines of a rendered head."""
    assert data.endswith(b"\r\n\r\n")
    return data[:-4].split(b"\r\n")[1:]


HOST = b"Host: real.example:8443"


def test_order_and_case_are_kept() -> None:
    """Fields that pass do so as they were, with the matched Host where the client's stood."""
    data = upstream(b"x-b:1", b"X-A: 2", b"x-B:  3 ", b"Cookie: a", b"Cookie: b")
    assert data == (
        b"GET /x HTTP/1.1\r\nHost: real.example:8443\r\nx-b: 1\r\nX-A: 2\r\nx-B: 3\r\n"
        b"Cookie: a\r\nCookie: b\r\n\r\n"
    )


def test_request_line_is_ours() -> None:
    """Always HTTP/1.1 and the target given, whatever form and version the client used."""
    head = parse_request_head(b"GET http://a.example/y HTTP/1.0\r\nHost: b.example\r\n\r\n")
    assert render_request(head, b"/y?z", b"a.example") == (
        b"GET /y?z HTTP/1.1\r\nHost: a.example\r\n\r\n"
    )


def test_host_is_added_for_http10() -> None:
    """HTTP/1.1 needs a Host even when the client sent none."""
    head = parse_request_head(b"GET / HTTP/1.0\r\nX: y\r\n\r\n")
    assert b"Host: a.example\r\n" in render_request(head, b"/", b"a.example")


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"proxy-authorization: Basic eA==",
        b"Proxy-Authenticate: x",
        b"Proxy_Authorization: Basic eA==",
        b"TE: trailers",
        b"Trailer: X-T",
        b"Upgrade: h2c",
        b"Upgrade: foo",
        b"HTTP2-Settings: AAMAAABkAAQ",
        b"Via: 1.1 other",
        b"X-Vault: team",
        b"x_vault: team",
        b"Content_Length: 60",
        b"Transfer_Encoding: chunked",
        b"Expect: 100-continue",
    ],
)
def test_hop_by_hop_fields_end_here(field: bytes) -> None:
    """What concerns this hop, or only looks like framing, does not reach the upstream."""
    assert lines(upstream(field)) == [HOST]


def test_nominated_fields_end_here() -> None:
    """Connection takes its fields along, except those that carry the message's meaning."""
    nominate = b"Connection: close, X-Drop, Content-Type, Content-Length, Host, x_under"
    data = upstream(
        b"X-Drop: 1",
        nominate,
        b"X-Under: 1",
        b"Content-Type: text/plain",
        b"Content-Length: 3",
        line=b"POST /x",
    )
    assert lines(data) == [HOST, b"Content-Type: text/plain", b"Content-Length: 3"]


def test_injected_field_stands_once_in_place() -> None:
    """Every copy of the client's, in any spelling, makes room for one field of ours."""
    data = upstream(
        b"authorization: Bearer a",
        b"X: y",
        b"AUTHORIZATION: Bearer b",
        b"Connection: Authorization",
        injection=BEARER,
    )
    assert lines(data) == [HOST, b"Authorization: Bearer real", b"X: y"]
    key = Injection(headers=((b"X-Api-Key", b"k"), (b"X-Org", b"o")))
    data = upstream(b"x_api_key: evil", b"A: b", injection=key)
    assert lines(data) == [HOST, b"X-Api-Key: k", b"A: b", b"X-Org: o"]
    assert injected_names(key) == {b"x-api-key", b"x-org"}


@pytest.mark.parametrize(
    "field",
    [
        (b"Authorization", b"a\r\nX: y"),
        (b"Authorization", b"a\nb"),
        (b"Authorization", b"a\x00"),
        (b"X Y", b"a"),
        (b"", b"a"),
        (b"Host", b"evil.example"),
        (b"content_length", b"5"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Connection", b"close"),
    ],
)
def test_injection_cannot_break_the_head(field: tuple[bytes, bytes]) -> None:
    """A value that would end its line, or a field that frames, is an error without the value."""
    with pytest.raises(ProtocolError) as caught:
        upstream(injection=Injection(headers=(field,)))
    assert caught.value.code == "substitution_invalid"
    assert "evil" not in str(caught.value)


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nX: y", b"", b"/\x00", b"/\xe9", b"/#a"])
def test_target_cannot_break_the_head(target: bytes) -> None:
    """What substitution made of the target is checked before it is written."""
    head = parse_request_head(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    with pytest.raises(ProtocolError) as caught:
        render_request(head, target, b"a.example")
    assert caught.value.code == "substitution_invalid"


def test_framing_is_written_from_what_was_read() -> None:
    """One length or one coding, in canonical form; another framing on demand."""
    assert b"Content-Length: 7" in lines(upstream(b"content-length: 007", line=b"POST /x"))
    assert b"Transfer-Encoding: chunked" in lines(
        upstream(b"transfer-encoding: Chunked", line=b"POST /x")
    )
    head = parse_request_head(
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
    )
    data = render_request(head, b"/", b"a", framing=Framing.of_length(5))
    assert b"Content-Length: 5" in lines(data)
    assert b"Transfer-Encoding" not in data
    assert b"Trailer" not in data


def test_trailer_announces_what_will_pass() -> None:
    """With a chunked body the Trailer field stays, less the names that are dropped."""
    data = upstream(
        b"Trailer: X-Sum, Authorization",
        b"Transfer-Encoding: chunked",
        b"Trailer: Content-Length, X-Key, X-End",
        line=b"POST /x",
        injection=Injection(headers=((b"X-Key", b"k"),)),
    )
    assert b"Trailer: X-Sum, X-End" in lines(data)


def test_expect_passes_unless_answered() -> None:
    """The upstream is asked, unless the proxy has answered already."""
    head = parse_request_head(
        b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n"
    )
    assert b"Expect: 100-continue" in lines(render_request(head, b"/", b"a"))
    assert b"Expect" not in render_request(head, b"/", b"a", forward_expect=False)


def test_max_forwards_counts_down() -> None:
    """One hop fewer for OPTIONS; elsewhere the field is just a field."""
    assert b"Max-Forwards: 4" in lines(upstream(b"max-forwards: 5", line=b"OPTIONS /x"))
    assert b"Max-Forwards: 5" in lines(upstream(b"Max-Forwards: 5"))


WEBSOCKET = (
    b"Connection: keep-alive, Upgrade",
    b"Upgrade: WebSocket",
    b"Sec-WebSocket-Key: " + KEY,
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Protocol: chat",
)


def test_websocket_handshake_goes_on() -> None:
    """A complete handshake keeps its fields and gets a Connection of ours."""
    assert lines(upstream(*WEBSOCKET)) == [
        HOST,
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        *WEBSOCKET[2:],
    ]


@pytest.mark.parametrize(
    ("wrong", "instead"),
    [
        (0, b"Connection: close"),
        (1, b"Upgrade: websocket, h2c"),
        (1, b"Upgrade: h2c"),
        (2, b"Sec-WebSocket-Key: short"),
        (2, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR=="),
        (3, b"Sec-WebSocket-Version: 8"),
    ],
)
def test_incomplete_handshake_is_no_upgrade(wrong: int, instead: bytes) -> None:
    """Anything less goes on as an ordinary request, without Upgrade."""
    fields = list(WEBSOCKET)
    fields[wrong] = instead
    data = upstream(*fields)
    assert b"Upgrade" not in data
    posted = upstream(*WEBSOCKET, b"Content-Length: 1", line=b"POST /x")
    assert b"Upgrade" not in posted


def downstream(
    *fields: bytes,
    line: bytes = b"HTTP/1.1 200 OK",
    method: bytes = b"GET",
    close: bool = False,
    minor: int = 1,
) -> bytes:
    """What goes to the client for a response with these fields."""
    data = line + b"\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"
    head = parse_response_head(data, method, KEY)
    framing = response_framing(head.framing, minor)
    return render_response(head, framing, close=close, client_minor=minor)


def test_response_passes_as_it_is() -> None:
    """End-to-end fields keep order and case, repeated ones included."""
    fields = (b"request-id: req_1", b"Set-Cookie: a", b"Set-Cookie: b", b"Content-Length: 3")
    assert downstream(*fields) == b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(fields) + b"\r\n\r\n"


def test_response_hop_by_hop_fields_end_here() -> None:
    """The upstream's connection is none of the client's business, nor are its proxy challenges."""
    data = downstream(
        b"Connection: X-Drop, keep-alive",
        b"Keep-Alive: timeout=5",
        b"X-Drop: 1",
        b"Proxy-Authenticate: Basic",
        b"Upgrade: h2c",
        b"TE: x",
        b"Content-Length: 0",
    )
    assert lines(data) == [b"Content-Length: 0"]


@pytest.mark.parametrize(
    ("fields", "minor", "close", "expected"),
    [
        ((), 1, False, [b"Transfer-Encoding: chunked"]),
        ((), 0, False, [b"Connection: close"]),
        ((b"Transfer-Encoding: chunked",), 1, False, [b"Transfer-Encoding: chunked"]),
        ((b"Transfer-Encoding: chunked",), 0, False, [b"Connection: close"]),
        ((b"Content-Length: 3",), 1, True, [b"Content-Length: 3", b"Connection: close"]),
        ((b"Content-Length: 3",), 0, False, [b"Content-Length: 3", b"Connection: keep-alive"]),
    ],
)
def test_response_framing_suits_the_client(
    fields: tuple[bytes, ...], minor: int, close: bool, expected: list[bytes]
) -> None:
    """HTTP/1.1 gets chunks where the length is open, HTTP/1.0 the end of the connection."""
    assert lines(downstream(*fields, minor=minor, close=close)) == expected


def test_head_and_304_keep_their_length() -> None:
    """There the length tells of another response; on 204 and 1xx it means nothing and goes."""
    length = b"Content-Length: 500"
    assert lines(downstream(length, method=b"HEAD")) == [length]
    assert lines(downstream(length, line=b"HTTP/1.1 304 Not Modified")) == [length]
    assert lines(downstream(length, line=b"HTTP/1.1 204 No Content")) == []
    assert lines(downstream(length, line=b"HTTP/1.1 103 Early Hints")) == []
    assert lines(downstream(b"Transfer-Encoding: chunked", method=b"HEAD")) == []


def test_switching_protocols_goes_on() -> None:
    """A right 101 keeps its handshake fields."""
    accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    line = b"HTTP/1.1 101 Switching Protocols"
    data = downstream(accept, b"Upgrade: websocket", b"Connection: upgrade", line=line)
    assert lines(data) == [accept, b"Upgrade: websocket", b"Connection: Upgrade"]


def test_response_framing() -> None:
    """Only open lengths change, and only as the client's version needs."""
    for framing in (NO_BODY, Framing.of_length(3)):
        assert response_framing(framing, 0) == response_framing(framing, 1) == framing
    assert response_framing(UNTIL_CLOSE, 1) == response_framing(CHUNKED, 1) == CHUNKED
    assert response_framing(UNTIL_CLOSE, 0) == response_framing(CHUNKED, 0) == UNTIL_CLOSE


def test_placeholders_in_headers_are_replaced_on_their_surface_only() -> None:
    """A HEADER placeholder gives way to its value; one for other surfaces stays."""
    header = SecretSubstitution(b"__key__", b"s3cret", frozenset({Surface.HEADER}))
    query = SecretSubstitution(b"__other__", b"other", frozenset({Surface.QUERY}))
    data = upstream(
        b"X-Key: a __key__ b", b"X-Other: __other__", injection=Injection((), (header, query))
    )
    assert lines(data) == [HOST, b"X-Key: a s3cret b", b"X-Other: __other__"]


def test_substituted_value_cannot_add_a_line() -> None:
    """A value with a line end in it sends nothing."""
    bad = SecretSubstitution(b"__key__", b"a\r\nX: y", frozenset({Surface.HEADER}))
    with pytest.raises(VaultError) as caught:
        upstream(b"X-Key: __key__", injection=Injection((), (bad,)))
    assert caught.value.code == "substitution_invalid"


FILLED = st.sampled_from([b"Authorization", b"x-api-key", b"X_Api_Key", b"Cookie", b"X-New"])


@given(
    fields=st.lists(
        st.sampled_from(
            b"""Authorization:1 x-api-key:2 X-Api-Key:3 Cookie:c Accept:* Content-Length:0
            Connection:x-new X-New:n proxy-x:1""".split()
        ),
        max_size=5,
        unique=True,
    ),
    names=st.lists(FILLED, max_size=3, unique=True),
    values=st.lists(st.sampled_from([b"", b"s3cr3t", b"a\tb", b"\xff"]), min_size=3, max_size=3),
)
def test_an_outline_is_the_head_but_for_the_values(
    fields: list[bytes], names: list[bytes], values: list[bytes]
) -> None:
    """Filled with any values, it is what rendering with those would have written."""
    block = b"".join(field + b"\r\n" for field in fields)
    head = parse_request_head(b"GET /x HTTP/1.1\r\nHost: a.example\r\n" + block + b"\r\n")
    injected = tuple(zip(names, values, strict=False))
    outline = outline_request(head, b"/x", b"a.example", names)
    if outline is None:
        assert {b"x-api-key", b"X_Api_Key"} <= set(names)
        return
    assert outline.fits(injected)
    assert outline.fill(injected) == render_request(head, b"/x", b"a.example", Injection(injected))


def test_an_outline_is_for_its_fields_alone() -> None:
    """Other names, another order or number need another outline."""
    head = parse_request_head(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    outline = outline_request(head, b"/", b"a.example", [b"A", b"B"])
    assert outline is not None
    assert outline.fits(((b"A", b"1"), (b"B", b"2")))
    for names in (b"A",), (b"B", b"A"), (b"A", b"B", b"C"), (b"a", b"B"):
        assert not outline.fits(tuple((name, b"") for name in names))


@pytest.mark.parametrize("value", [b"a\r\nb", b"a\x00b", b"a\n"])
def test_an_outline_takes_no_value_that_ends_a_field(value: bytes) -> None:
    """A value is looked at each time that it is filled in."""
    head = parse_request_head(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    outline = outline_request(head, b"/", b"a.example", [b"A"])
    assert outline is not None
    with pytest.raises(ProtocolError) as caught:
        outline.fill(((b"A", value),))
    assert caught.value.code == "substitution_invalid"
    assert value.decode() not in str(caught.value)
