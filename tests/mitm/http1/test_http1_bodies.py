"""Bodies: where they end, what is written for them, what is refused."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.mitm.http1 import (
    CHUNKED,
    EMPTY,
    NO_BODY,
    UNTIL_CLOSE,
    BodyReader,
    Framing,
    Limits,
    ProtocolError,
    Side,
    body_reader,
)


def run(reader: BodyReader, *feeds: bytes) -> tuple[bytes, bytes, bytes]:
    """Payload, wire and what was left over of several feeds."""
    payload, wire, rest = b"", b"", b""
    for data in feeds:
        chunk = reader.feed(data)
        payload += chunk.payload
        wire += chunk.wire
        rest += data[chunk.consumed :]
    return payload, wire, rest


def refused(data: bytes, **options: object) -> ProtocolError:
    """The error of a chunked body, which comes both at once and byte by byte."""
    codes = []
    for feeds in ([data], [data[at : at + 1] for at in range(len(data))]):
        with pytest.raises(ProtocolError) as caught:
            run(body_reader(CHUNKED, **options), *feeds)  # type: ignore[arg-type]
        codes.append(caught.value.code)
    assert codes[0] == codes[1]
    return caught.value


def test_length_counts_down() -> None:
    """Exactly the announced bytes are body; the rest is the next message's."""
    reader = body_reader(Framing.of_length(5))
    assert run(reader, b"ab", b"cdeXY", b"Z") == (b"abcde", b"abcde", b"XYZ")
    assert reader.complete


def test_length_passes_without_a_copy() -> None:
    """What is body as a whole goes on as the very object that came."""
    data = b"x" * 1000
    assert body_reader(Framing.of_length(5000)).feed(data).wire is data


@pytest.mark.parametrize("framing", [NO_BODY, EMPTY])
def test_no_body(framing: Framing) -> None:
    """Without a body the reader is complete and takes nothing."""
    reader = body_reader(framing)
    assert reader.complete
    assert run(reader, b"GET") == (b"", b"", b"GET")
    assert reader.eof() == b""


@pytest.mark.parametrize(
    ("framing", "data"),
    [
        (Framing.of_length(5), b"abcd"),
        (CHUNKED, b""),
        (CHUNKED, b"5"),
        (CHUNKED, b"5\r\nabc"),
        (CHUNKED, b"3\r\nabc\r\n"),
        (CHUNKED, b"0\r\n"),
        (CHUNKED, b"0\r\nX: y\r\n"),
    ],
)
@pytest.mark.parametrize(
    ("side", "code"), [(Side.REQUEST, "bad_request"), (Side.RESPONSE, "upstream_protocol")]
)
def test_truncation_is_an_error(framing: Framing, data: bytes, side: Side, code: str) -> None:
    """A connection that closes within a body never looks like its end."""
    reader = body_reader(framing, side=side)
    reader.feed(data)
    assert not reader.complete
    with pytest.raises(ProtocolError) as caught:
        reader.eof()
    assert caught.value.code == code


def test_until_close() -> None:
    """The closing ends the body; written on as chunks it gets an end of its own."""
    plain = body_reader(UNTIL_CLOSE, side=Side.RESPONSE)
    assert run(plain, b"ab", b"c") == (b"abc", b"abc", b"")
    assert not plain.complete
    assert plain.eof() == b""
    assert plain.complete
    wrapped = body_reader(UNTIL_CLOSE, side=Side.RESPONSE, out=CHUNKED)
    assert run(wrapped, b"ab", b"", b"c") == (b"abc", b"2\r\nab\r\n1\r\nc\r\n", b"")
    assert wrapped.eof() == b"0\r\n\r\n"
    assert wrapped.eof() == b""


class TestChunked:
    """The chunked coding."""

    BODY = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"

    def test_reads_and_passes_on(self) -> None:
        """A plain body is understood and goes on as it is, up to its last byte and no further."""
        reader = body_reader(CHUNKED)
        assert run(reader, self.BODY + b"GET /") == (b"hello world", self.BODY, b"GET /")
        assert reader.complete

    def test_plain_feed_passes_without_a_copy(self) -> None:
        """A feed without anything to change is forwarded as a view of itself."""
        wire = body_reader(CHUNKED).feed(self.BODY).wire
        assert isinstance(wire, memoryview)
        assert wire.obj is self.BODY

    def test_extensions_are_cut_out(self) -> None:
        """Extensions end here, and sizes go on without leading zeros."""
        data = b'5;a=b;c="d;\\"e\r"'[:-2] + b'";f\r\nhello\r\n0002\r\nab\r\n00;x\r\n\r\n'
        payload, wire, _ = run(body_reader(CHUNKED), data)
        assert (payload, wire) == (b"helloab", b"5\r\nhello\r\n2\r\nab\r\n0\r\n\r\n")

    def test_hexadecimal_in_both_cases(self) -> None:
        """Sizes are hexadecimal, in either case."""
        data = b"a\r\n" + b"x" * 10 + b"\r\nB\r\n" + b"y" * 11 + b"\r\n0\r\n\r\n"
        assert run(body_reader(CHUNKED), data)[0] == b"x" * 10 + b"y" * 11

    @pytest.mark.parametrize(
        "data",
        [
            b"0x3\r\nabc\r\n0\r\n\r\n",
            b"+3\r\nabc\r\n0\r\n\r\n",
            b"-3\r\nabc\r\n0\r\n\r\n",
            b"3_\r\nabc\r\n0\r\n\r\n",
            b"3 \r\nabc\r\n0\r\n\r\n",
            b"3 ;x\r\nabc\r\n0\r\n\r\n",
            b"3; x\r\nabc\r\n0\r\n\r\n",
            b"3;x =y\r\nabc\r\n0\r\n\r\n",
            b"3;\r\nabc\r\n0\r\n\r\n",
            b"3;x=\r\nabc\r\n0\r\n\r\n",
            b'3;x="y\r\nabc\r\n0\r\n\r\n',
            b"3\t\r\nabc\r\n0\r\n\r\n",
            b" 3\r\nabc\r\n0\r\n\r\n",
            b"\r\nabc\r\n0\r\n\r\n",
            b"g\r\nabc\r\n0\r\n\r\n",
            b";x\r\nabc\r\n0\r\n\r\n",
            b"00000000000000003\r\nabc\r\n0\r\n\r\n",
            b"ffffffffffffffffff3\r\nabc\r\n",
            b"ffffffffffffffff\r\nabc\r\n",
            b"8000000000000000\r\nabc\r\n",
            b"3\nabc\n0\n\n",
            b"3;a\rb\r\nabc\r\n0\r\n\r\n",
            b"2;\n\n02\r\n41\r\n0\r\n\r\n",
            b"3;a\x00\r\nabc\r\n0\r\n\r\n",
            b"3\r\nabcXX0\r\n\r\n",
            b"3\r\nabcd\r\n0\r\n\r\n",
            b"3\r\nabc\n0\r\n\r\n",
            b"3\r\nabc\r0\r\n\r\n",
            b"3\r\nabc\r\n\r\n0\r\n\r\n",
            b"0\r\n\n",
            b"0\r\nX : y\r\n\r\n",
            b"0\r\nX: y\n\r\n\r\n",
            b"0\r\nX: y\r\n z\r\n\r\n",
            b"0\r\nX: a\x00\r\n\r\n",
            b"0\r\n: y\r\n\r\n",
            b"0\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
    )
    def test_malformed_is_refused(self, data: bytes) -> None:
        """Nothing beside the grammar is repaired, however it is cut."""
        assert refused(data).code == "bad_request"
        assert refused(data, side=Side.RESPONSE).code == "upstream_protocol"

    def test_nothing_of_a_wrong_chunk_line_goes_on(self) -> None:
        """A size line is written only when it is whole and right, an end only with its trailers."""
        for data, written in ((b"3\r\nabc\r\n3", b"3\r\nabc\r\n"), (b"0\r\nX: y\r\n", b"")):
            assert run(body_reader(CHUNKED), data)[1] == written

    def test_extensions_are_bounded(self) -> None:
        """One line, and all lines of a body together, may hold so much and no more."""
        refused(b"1;" + b"a" * 1100 + b"\r\n")
        limits = Limits(chunk_line=100, chunk_extensions=50)
        refused(b"1;" + b"a" * 30 + b"\r\nx\r\n1;" + b"b" * 30 + b"\r\ny\r\n", limits=limits)

    def test_trailers_pass_filtered(self) -> None:
        """Trailers go on, less those that could frame, route, authenticate or be ours."""
        data = (
            b"0;x\r\nX-Sum:  1\r\nContent-Length: 50\r\nTransfer_Encoding: chunked\r\n"
            b"Authorization: Bearer evil\r\nX-Api-Key: evil\r\nHost: evil\r\nCookie: a\r\n"
            b"Proxy-Authorization: x\r\nSet-Cookie: a\r\nContent-Digest: y\r\n\r\n"
        )
        reader = body_reader(CHUNKED, injected={b"x-api-key"})
        wire = run(reader, data + b"rest")
        assert wire == (b"", b"0\r\nX-Sum: 1\r\nContent-Digest: y\r\n\r\n", b"rest")
        assert reader.complete

    def test_trailers_are_bounded(self) -> None:
        """The trailer section has limits like a head's, in size and in number."""
        assert refused(b"0\r\nX: " + b"a" * 99, limits=Limits(trailers=64)).code == (
            "headers_too_large"
        )
        many = b"0\r\n" + b"X: y\r\n" * 201 + b"\r\n"
        assert refused(many).code == "headers_too_large"
        assert refused(many, side=Side.RESPONSE).code == "response_too_large"

    def test_unwrapped_for_http10(self) -> None:
        """For a client that can't read chunks the payload alone is written."""
        reader = body_reader(CHUNKED, side=Side.RESPONSE, out=UNTIL_CLOSE)
        data = b"5;x\r\nhello\r\n0\r\nX: y\r\n\r\n"
        assert run(reader, *(data[at : at + 1] for at in range(len(data))))[1] == b"hello"
        assert reader.complete

    def test_held_bytes_are_counted_once(self) -> None:
        """A line cut in two is consumed in two, so that the caller's buffer stays right."""
        reader = body_reader(CHUNKED)
        assert reader.feed(b"3\r").consumed == 2
        assert reader.feed(b"\nabc\r").consumed == 5
        assert reader.feed(b"\n0\r\n\r\nNEXT").consumed == 6


def test_limits_on_request_bodies() -> None:
    """A body beyond the limit is refused when it is announced, not when it has been sent on."""
    with pytest.raises(ProtocolError) as caught:
        body_reader(Framing.of_length(11), limit=10)
    assert caught.value.code == "request_too_large"
    assert run(body_reader(Framing.of_length(10), 10), b"0123456789")[0] == b"0123456789"
    reader = body_reader(CHUNKED, limit=10)
    reader.feed(b"8\r\n01234567\r\n")
    with pytest.raises(ProtocolError) as caught:
        reader.feed(b"3\r\n")
    assert caught.value.code == "request_too_large"


_ELEMENTS = [
    b"3\r\nabc\r\n", b"A\r\n0123456789\r\n", b"2\r\n\r\n\r\n", b"1;x=y\r\na\r\n", b"01\r\na\r\n",
    b"3\r\nabcd\r\n", b"5\r\nab\r\nc\r\n", b"\r\n", b"1\n", b"0\r\n\r\n", b"0\r\nA: b\r\n\r\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(_ELEMENTS), max_size=4), st.sampled_from([None, 5, 20]))
def test_cuts_between_feeds_mean_nothing(pieces: list[bytes], limit: int | None) -> None:
    """Chunks fed whole, as events come, give what the same bytes give one by one."""

    def outcome(feeds: Sequence[bytes | memoryview]) -> object:
        reader = body_reader(CHUNKED, limit)
        try:
            chunks = [reader.feed(data) for data in feeds]
        except ProtocolError as error:
            return error.code
        wire = b"".join(bytes(chunk.wire) for chunk in chunks)
        payload = b"".join(bytes(chunk.payload) for chunk in chunks)
        return wire, payload, sum(chunk.consumed for chunk in chunks), reader.complete

    one_by_one = [bytes([byte]) for byte in b"".join(pieces)]
    assert outcome(pieces) == outcome(one_by_one)
    assert outcome([memoryview(piece) for piece in pieces]) == outcome(one_by_one)
