"""The whole core: however it is cut, whoever reads it next, one message stays one message.

What it writes must keep the injected secret in its one place.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.mitm.http1 import (
    ProtocolError,
    parse_response_head,
    render_response,
    response_framing,
)
from tests.mitm.http1.readers import assert_unambiguous, forward

NAMES = st.sampled_from(
    [
        *b"Host host Content-Length content_length Transfer-Encoding transfer_encoding".split(),
        *b"Connection Authorization authorization X-A X_A Expect Upgrade TE Trailer".split(),
        b"Content-Length ",
        b" X",
        b"X\x00",
        b"",
    ]
)
VALUES = st.sampled_from(
    [
        *b"a.example chunked Chunked identity 0 3 5 03 +3 close authorization Bearer".split(),
        b"",
        b"chunked, identity",
        b"3, 5",
        b"a\rb",
        b"a\nAuthorization: Bearer evil",
        b"a\r\n b",
        b"close, authorization, host, content-length",
        b"\x0bchunked",
    ]
)
CHUNKED_BODIES = [
    b"0\r\n\r\n",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"3;x=y\r\nabc\r\n0\r\nAuthorization: Bearer evil\r\nX-T: 1\r\n\r\n",
    b"03\r\nGET\r\n00;x\r\n\r\n",
    b"1\r\n\n\r\n2\r\n\r\n\r\n0\r\nContent-Length: 50\r\n\r\n",
    b"3\nabc\n0\n\n",
    b"2;\n\n02\r\n41\r\n0\r\n\r\n",
]
PLAIN_BODIES = [b"abc", b"0\r\n\r\n", b"GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"]
FRAMED = st.sampled_from(
    [
        (b"", b""),
        (b"Content-Length: 0\r\n", b""),
        *((b"Content-Length: %d\r\n" % len(body), body) for body in PLAIN_BODIES),
        *((b"Transfer-Encoding: chunked\r\n", body) for body in CHUNKED_BODIES),
    ]
)
HARMLESS = st.sampled_from(
    [
        b"X-A: b\r\n",
        b"x_a:\tb \r\n",
        b"Authorization: Bearer evil\r\n",
        b"AUTHORIZATION:Bearer evil\r\n",
        b"Connection: keep-alive, authorization, host, content-length\r\n",
        b"Content_Length: 60\r\n",
        b"transfer_encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"TE: trailers\r\n",
        b"Trailer: Authorization, X-T\r\n",
        b"Proxy-Authorization: Basic eA==\r\n",
        b"Upgrade: h2c\r\n",
    ]
)
LINES = st.sampled_from(
    [
        *[b"GET / HTTP/1.1\r\n", b"POST /x?y HTTP/1.1\r\n"] * 3,
        b"GET http://a.example/x HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"POST /x HTTP/1.0\r\n",
        b"GET /\tx HTTP/1.1\r\n",
        b"\r\nGET / HTTP/1.1\r\n",
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Requests of which some are wrong in one of the ways that matter."""
    framing, body = draw(FRAMED)
    fields = [b"Host: a.example\r\n", framing, *draw(st.lists(HARMLESS, max_size=4))]
    fields = draw(st.permutations(fields))
    if draw(st.integers(0, 3)) == 0:
        fields.append(b"%b: %b\r\n" % draw(st.tuples(NAMES, VALUES)))
    return draw(LINES) + b"".join(fields) + b"\r\n" + body


@given(st.lists(requests(), min_size=1, max_size=3), st.data())
def test_however_it_is_cut_the_result_is_the_same(
    messages: list[bytes], data: st.DataObject
) -> None:
    """The sizes in which bytes arrive decide nothing."""
    stream = b"".join(messages)
    whole = forward([stream])
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=20)))
    feeds = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    in_parts = forward(feeds)
    byte_by_byte = forward(bytes((byte,)) for byte in stream)
    assert in_parts.messages == byte_by_byte.messages == whole.messages
    assert in_parts.error == byte_by_byte.error == whole.error
    if not whole.error:
        assert in_parts.wire == byte_by_byte.wire == whole.wire


@given(st.lists(requests(), min_size=1, max_size=3))
def test_what_is_written_means_one_thing_to_everyone(messages: list[bytes]) -> None:
    """Lenient readers agree on boundaries, bodies and the injected field of all that goes on."""
    assert_unambiguous(forward([b"".join(messages)]))


@given(requests())
def test_writing_is_stable(message: bytes) -> None:
    """What was written parses, and is written again as the same bytes."""
    once = forward([message])
    if not once.error and not once.partial:
        twice = forward([once.wire])
        assert (twice.wire, twice.error) == (once.wire, "")


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"])
)
def test_any_bytes_give_a_result_or_a_protocol_error(noise: bytes, start: bytes) -> None:
    """No input raises anything else."""
    forward([start + noise])
    for data in (start + noise, start + noise + b"\r\n\r\n"):
        try:
            head = parse_response_head(data, b"GET")
        except ProtocolError:
            continue
        assert (
            parse_response_head(
                render_response(head, response_framing(head.framing, 1), close=False), b"GET"
            ).status
            == head.status
        )


POST = b"POST /own HTTP/1.1\r\nHost: a.example\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.mark.parametrize(
    "message",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + EVIL,
        POST + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + EVIL,
        POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + EVIL,
        POST + b"Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n" + EVIL,
        POST + b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 49\r\n\r\n0\r\n\r\n" + EVIL,
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + EVIL,
        POST + b"Content-Length : 44\r\n\r\n" + EVIL,
        POST + b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + EVIL,
    ],
)
def test_smuggling_heads_forward_nothing(message: bytes) -> None:
    """The classics: nothing of them, and nothing behind them, is written."""
    done = forward([message])
    assert (done.error, done.wire) == ("bad_request", b"")


@pytest.mark.parametrize(
    "message",
    [
        POST + b"Content-Length: 44\r\n\r\n" + EVIL.ljust(44, b"x"),
        POST + b"Content_Length: 44\r\nContent-Length: 0\r\n\r\n",
        POST + b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 50\r\n\r\n",
        POST + b"Connection: authorization, host, content-length\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n" + EVIL,
    ],
)
def test_harmless_relatives_pass_unambiguously(message: bytes) -> None:
    """What has one meaning goes on, in a form that keeps it."""
    done = forward([message])
    assert not done.error
    assert not done.partial
    assert_unambiguous(done)
