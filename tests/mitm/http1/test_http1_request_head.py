"""Request heads: what is read, and everything that is refused."""

import pytest

from proxy_core.mitm.http1 import (
    CHUNKED,
    NO_BODY,
    Framing,
    Limits,
    ProtocolError,
    find_head,
    parse_request_head,
)

HOST = b"Host: api.example.com\r\n"


def head(*fields: bytes, line: bytes = b"POST /x HTTP/1.1") -> bytes:
    """A head of these lines."""
    return line + b"\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


def with_host(*fields: bytes, line: bytes = b"POST /x HTTP/1.1") -> bytes:
    """A head with a Host and these lines."""
    return head(b"Host: api.example.com", *fields, line=line)


def refused(data: bytes) -> ProtocolError:
    """The error that parsing raises."""
    with pytest.raises(ProtocolError) as caught:
        parse_request_head(data)
    return caught.value


def test_reads_an_ordinary_head() -> None:
    """Fields keep order and case; values lose the blanks around them and nothing else."""
    parsed = parse_request_head(
        b"GET /a?b=c HTTP/1.1\r\nhost:api.example.com:8443\r\nX-One: \t a  b \t\r\nx-ONE:\r\n\r\n"
    )
    assert (parsed.method, parsed.target, parsed.minor) == (b"GET", b"/a?b=c", 1)
    assert parsed.headers == [
        (b"host", b"api.example.com:8443"),
        (b"X-One", b"a  b"),
        (b"x-ONE", b""),
    ]
    assert parsed.host == b"api.example.com:8443"
    assert parsed.framing == NO_BODY
    assert parsed.keep_alive


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        ((), NO_BODY),
        ((b"Content-Length: 0",), Framing.of_length(0)),
        ((b"content-length:17",), Framing.of_length(17)),
        ((b"Content-Length: 007",), Framing.of_length(7)),
        ((b"Content-Length: " + b"9" * 18,), Framing.of_length(10**18 - 1)),
        ((b"Transfer-Encoding: chunked",), CHUNKED),
        ((b"transfer-encoding:\tCHUNKED ",), CHUNKED),
    ],
)
def test_framing_is_read(fields: tuple[bytes, ...], framing: Framing) -> None:
    """A length or exactly one chunked coding frames the body; without either there is none."""
    assert parse_request_head(with_host(*fields)).framing == framing


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 0"),
        (b"Content-Length: 3", b"Content-Length: 3"),
        (b"Content-Length: 3", b"content-length: 4"),
        (b"Content-Length: 3, 3",),
        (b"Content-Length: 3, 4",),
        (b"Content-Length:",),
        (b"Content-Length: +3",),
        (b"Content-Length: -3",),
        (b"Content-Length: 0x3",),
        (b"Content-Length: 3 3",),
        (b"Content-Length: 3_0",),
        (b"Content-Length: 1e1",),
        (b"Content-Length: 3.0",),
        (b"Content-Length: 3;",),
        (b'Content-Length: "3"',),
        (b"Content-Length: \xef\xbc\x93",),
        (b"Content-Length: \xb2",),
        (b"Content-Length: " + b"9" * 19,),
        (b"Transfer-Encoding:",),
        (b"Transfer-Encoding: identity",),
        (b"Transfer-Encoding: gzip",),
        (b"Transfer-Encoding: gzip, chunked",),
        (b"Transfer-Encoding: chunked, gzip",),
        (b"Transfer-Encoding: chunked, chunked",),
        (b"Transfer-Encoding: ,chunked",),
        (b"Transfer-Encoding: chunked,",),
        (b"Transfer-Encoding: chunked;q=1",),
        (b'Transfer-Encoding: "chunked"',),
        (b"Transfer-Encoding: xchunked",),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"transfer-encoding: identity"),
        (b"Transfer-Encoding: chunked\xa0",),
    ],
)
def test_ambiguous_framing_is_refused(fields: tuple[bytes, ...]) -> None:
    """Whatever two readers could frame differently is a bad request."""
    assert refused(with_host(*fields)).code == "bad_request"


def test_chunked_in_http10_is_refused() -> None:
    """HTTP/1.0 knows no transfer codings, so one there is faulty framing."""
    data = with_host(b"Transfer-Encoding: chunked", line=b"POST / HTTP/1.0")
    assert refused(data).code == "bad_request"


@pytest.mark.parametrize(
    "field",
    [
        b"X-A : b",
        b" X-A: b",
        b"X-A: b\r\n folded",
        b"X-A: b\r\n\tfolded",
        b"X-A",
        b": b",
        b"",
        b"X A: b",
        b"X-A: a\rAuthorization: x",
        b"X-A: a\nAuthorization: x",
        b"X-A: a\x00b",
        b"X-A: a\x0bb",
        b"X-A: a\x1bb",
        b"X-A: a\x7fb",
        b"X\x00A: b",
        b"X\xe9: b",
        *(b"X%cA: b" % char for char in b'()<>@,;\\"/[]?={}\t'),
    ],
)
def test_malformed_fields_are_refused(field: bytes) -> None:
    """Nothing outside the field grammar is repaired, in a first, middle or last field."""
    data = b"GET / HTTP/1.1\r\n"
    for block in (
        field + b"\r\n" + HOST,
        HOST + field + b"\r\nX-Z: 1\r\n",
        HOST + field + b"\r\n",
    ):
        if field == b"" and not block.endswith(b"1\r\n"):
            continue
        assert refused(data + block + b"\r\n").code == "bad_request"


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"GET /",
        b"GET / HTTP/2.0",
        b"GET / HTTP/1.2",
        b"GET / HTTP/1.10",
        b"GET / HTTP/01.1",
        b"GET / HTTP/x.y",
        b"GET / http/1.1",
        b"GET / HTTP/0.9",
        b"GET / ICY/1.1",
        b"GE T / HTTP/1.1",
        b"G(T / HTTP/1.1",
        b"G\xc9T / HTTP/1.1",
        b"get / HTTP/1.1",
        b"trace / HTTP/1.1",
        b"A" * 33 + b" / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /a\x01 HTTP/1.1",
        b"GET /a\x7f HTTP/1.1",
        b"GET /\xe9 HTTP/1.1",
        b"GET /a#frag HTTP/1.1",
        b"GET /a\rb HTTP/1.1",
        b"GET x HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET api.example.com:443 HTTP/1.1",
        b"GET ftp://a.example/ HTTP/1.1",
        b"GET http:///x HTTP/1.1",
        b"GET http://u:p@a.example/ HTTP/1.1",
        b"GET http://a.example:0/ HTTP/1.1",
        b"GET http://a.example:65536/ HTTP/1.1",
        b"GET http://a,b/ HTTP/1.1",
        b"GET http:/a.example/ HTTP/1.1",
        b"CONNECT / HTTP/1.1",
        b"CONNECT api.example.com HTTP/1.1",
        b"CONNECT http://api.example.com:443 HTTP/1.1",
        b"CONNECT u@api.example.com:443 HTTP/1.1",
        b"CONNECT [::1] HTTP/1.1",
        b"CONNECT :443 HTTP/1.1",
        b"CONNECT * HTTP/1.1",
        b"",
    ],
)
def test_malformed_request_lines_are_refused(line: bytes) -> None:
    """Method, target form and version are exactly what the RFC and the method allow."""
    assert refused(with_host(line=line)).code == "bad_request"


@pytest.mark.parametrize(
    "line",
    [
        b"OPTIONS * HTTP/1.1",
        b"M-SEARCH / HTTP/1.1",
        b"GET http://api.example.com HTTP/1.1",
        b"GET HTTPS://api.example.com:8443/a?b HTTP/1.1",
        b"CONNECT api.example.com:443 HTTP/1.1",
        b"CONNECT [2001:db8::1]:443 HTTP/1.1",
        b"GET /%0d%0aX:%20y HTTP/1.1",
        b'GET /a?q={"x":[1|2]} HTTP/1.1',
    ],
)
def test_odd_but_valid_request_lines_pass(line: bytes) -> None:
    """Strictness stops where a line means one thing only."""
    assert parse_request_head(with_host(line=line)).target == line.split(b" ")[1]


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (b"Host: a.example", b"Host: a.example"),
        (b"Host: a.example", b"host: b.example"),
        (b"Host:",),
        (b"Host: a.example, b.example",),
        (b"Host: a.example,b.example",),
        (b"Host: u@a.example",),
        (b"Host: a.example/x",),
        (b"Host: a.example:x",),
        (b"Host: a.example:443x",),
        (b"Host: a.example:",),
        (b"Host: a.example:0",),
        (b"Host: a.example:99999",),
        (b"Host: a%2eexample",),
        (b"Host: [::1",),
        (b"Host: [fe80::1%25eth0]",),
        (b"Host: a b",),
        (b"Host: -a.example",),
        (b"Host: \xc3\xa4.example",),
        (b"Host: http://a.example",),
    ],
)
def test_host_must_be_one_and_well_formed(fields: tuple[bytes, ...]) -> None:
    """No, several or malformed Host fields are refused."""
    assert refused(head(*fields, line=b"GET / HTTP/1.1")).code == "bad_request"


def test_http10_needs_no_host_but_takes_no_two() -> None:
    """HTTP/1.0 came before Host; where the target is known it can do without."""
    assert parse_request_head(head(line=b"GET / HTTP/1.0")).host is None
    assert refused(head(b"Host: a", b"Host: a", line=b"GET / HTTP/1.0")).code == "bad_request"


@pytest.mark.parametrize(
    ("line", "fields", "keep_alive"),
    [
        (b"GET / HTTP/1.1", (), True),
        (b"GET / HTTP/1.1", (b"Connection: Close",), False),
        (b"GET / HTTP/1.1", (b"Connection: x", b"Connection: ,y , close"), False),
        (b"GET / HTTP/1.1", (b"Connection: keep-alive, close",), False),
        (b"GET / HTTP/1.0", (), False),
        (b"GET / HTTP/1.0", (b"Connection: keep-alive",), True),
    ],
)
def test_keep_alive(line: bytes, fields: tuple[bytes, ...], keep_alive: bool) -> None:
    """Close always wins; HTTP/1.0 has to ask for more."""
    assert parse_request_head(with_host(*fields, line=line)).keep_alive is keep_alive


def test_connection_options_are_tokens() -> None:
    """What Connection nominates is a list of names, nothing else."""
    assert refused(with_host(b"Connection: close x")).code == "bad_request"
    assert refused(with_host(b'Connection: "close"')).code == "bad_request"
    parsed = parse_request_head(with_host(b"Connection: X-A,,x-b"))
    assert parsed.options == {b"x-a", b"x-b"}


def test_expect() -> None:
    """Only 100-continue is known; it counts with a body and on HTTP/1.1 alone."""
    expects = b"Expect: 100-Continue"
    assert parse_request_head(with_host(expects, b"Content-Length: 1")).expect_continue
    assert parse_request_head(with_host(expects, b"Transfer-Encoding: chunked")).expect_continue
    assert not parse_request_head(with_host(expects)).expect_continue
    assert not parse_request_head(with_host(expects, b"Content-Length: 0")).expect_continue
    old = with_host(expects, b"Content-Length: 1", line=b"POST / HTTP/1.0")
    assert not parse_request_head(old).expect_continue
    assert refused(with_host(b"Expect: banana")).code == "bad_request"


def test_max_forwards() -> None:
    """Max-Forwards is read for OPTIONS and TRACE, and must be a number there."""
    options = b"OPTIONS * HTTP/1.1"
    assert parse_request_head(with_host(b"Max-Forwards: 0", line=options)).ends_here
    assert parse_request_head(with_host(b"Max-Forwards: 3", line=options)).max_forwards == 3
    assert parse_request_head(with_host(b"Max-Forwards: x")).max_forwards is None
    assert refused(with_host(b"Max-Forwards: x", line=options)).code == "bad_request"
    twice = with_host(b"Max-Forwards: 1", b"Max-Forwards: 1", line=options)
    assert refused(twice).code == "bad_request"


def test_connect_has_no_body() -> None:
    """CONNECT gives a body no meaning, so one is refused; a length of 0 is harmless."""
    line = b"CONNECT a.example:443 HTTP/1.1"
    assert parse_request_head(with_host(b"Content-Length: 0", line=line)).framing == NO_BODY
    assert refused(with_host(b"Content-Length: 1", line=line)).code == "bad_request"
    assert refused(with_host(b"Transfer-Encoding: chunked", line=line)).code == "bad_request"


def test_too_many_fields() -> None:
    """The number of fields is limited, with a code of its own."""
    fields = [b"X-%d: a" % number for number in range(199)]
    assert len(parse_request_head(with_host(*fields)).headers) == 200
    assert refused(with_host(*fields, b"X: a")).code == "headers_too_large"
    with pytest.raises(ProtocolError, match="more than 2 header"):
        parse_request_head(with_host(b"A: 1", b"B: 2"), Limits(fields=2))


def test_refusal_repeats_nothing_the_client_sent() -> None:
    """Details of errors are ours: they end up in logs and on screens."""
    for data in (with_host(b"X-A : s3cret"), with_host(line=b"GET /s3cret\x01 HTTP/1.1")):
        assert "s3cret" not in str(refused(data))


class TestFindHead:
    """Where a head ends in the bytes so far."""

    def test_finds_the_blank_line(self) -> None:
        """The index is behind the blank line, whatever follows it and wherever the head begins."""
        data = b"before" + with_host() + b"rest\r\n\r\n"
        end = find_head(bytearray(data), 6, 1000)
        assert data[6:end] == with_host()

    def test_waits_for_the_rest(self) -> None:
        """Every proper beginning of a head is waited for."""
        data = with_host(b"Content-Length: 3")
        for cut in range(len(data)):
            assert find_head(bytearray(data[:cut]), 0, 1000) == -1

    def test_one_empty_line_before_is_let_through(self) -> None:
        """RFC 9112 2.2 asks to ignore one; more are refused."""
        data = b"\r\n" + with_host()
        end = find_head(bytearray(data), 0, 1000)
        assert parse_request_head(data[:end]).method == b"POST"
        with pytest.raises(ProtocolError, match="empty lines"):
            find_head(bytearray(b"\r\n" + data), 0, 1000)

    def test_limit(self) -> None:
        """A head of exactly the limit passes, one byte more does not, nor does waiting for it."""
        data = with_host()
        assert find_head(bytearray(data), 0, len(data)) == len(data)
        for much in (data, b"A" * len(data)):
            with pytest.raises(ProtocolError) as caught:
                find_head(bytearray(much), 0, len(data) - 1)
            assert caught.value.code == "headers_too_large"

    @pytest.mark.parametrize(
        "data",
        [
            b"GET / HTTP/1.1\nHost: a\n\n",
            b"\nGET / HTTP/1.1\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b" GET / HTTP/1.1\r\n",
            b"\x00",
            b"\xff",
        ],
    )
    def test_hopeless_bytes_are_refused_at_once(self, data: bytes) -> None:
        """Bare LF and other protocols are not waited for."""
        with pytest.raises(ProtocolError) as caught:
            find_head(bytearray(data), 0, 1000)
        assert caught.value.code == "bad_request"
