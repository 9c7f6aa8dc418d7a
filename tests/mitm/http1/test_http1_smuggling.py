"""The whole core: however it is cut, whoever reads it next, one message stays one message.

`MODELS` read HTTP as leniently as servers have been known to. What the core lets through must mean
the same to all of them; what it writes must keep the injected secret in its one place.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.exchange import Injection
from proxy_core.mitm.http1 import (
    ProtocolError,
    body_reader,
    find_head,
    injected_names,
    parse_request_head,
    parse_response_head,
    render_request,
    render_response,
    response_framing,
    split_target,
)

SECRET = b"Bearer real-secret"
INJECTION = Injection(headers=((b"Authorization", SECRET),))


@dataclass
class Forwarded:
    """What a run of requests came to."""

    wire: bytes = b""
    messages: int = 0
    error: str = ""
    partial: bool = False


def forward(feeds: Iterable[bytes]) -> Forwarded:
    """Do with the core what a connection does: heads, bodies, one message after the other."""
    done, buffer, reader = Forwarded(), bytearray(), None
    try:
        for data in feeds:
            buffer += data
            while True:
                if reader is None:
                    end = find_head(buffer, 0, 65536)
                    if end < 0:
                        break
                    head = parse_request_head(bytes(buffer[:end]))
                    del buffer[:end]
                    target = split_target(head.method, head.target).origin_form
                    done.wire += render_request(head, target, b"real.example", INJECTION)
                    reader = body_reader(head.framing, injected=injected_names(INJECTION))
                chunk = reader.feed(bytes(buffer))
                del buffer[: chunk.consumed]
                done.wire += chunk.wire
                if not reader.complete:
                    break
                done.messages += 1
                reader = None
    except ProtocolError as error:
        done.error = error.code
    done.partial = reader is not None or bool(buffer)
    return done


@dataclass(frozen=True)
class Model:
    """One lenient reader."""

    name: str
    ends: bytes = rb"\r?\n"
    length_wins: bool = False
    loose_coding: bool = False
    underscores: bool = False
    space_before_colon: bool = False
    last_counts: bool = False

    def read(self, data: bytes) -> list[tuple[bytes, list[tuple[bytes, bytes]], bytes]]:
        """(request line, fields, body) of each message that this reader sees."""
        messages = []
        while data:
            match = re.match(
                rb"((?:(?!" + self.ends + rb").)+)(?:" + self.ends + rb")", data, re.DOTALL
            )
            if match is None:
                break
            line, data = match[1], data[match.end() :]
            fields, data = self._fields(data)
            body, data = self._body(fields, data)
            messages.append((line, fields, body))
        return messages

    def _fields(self, data: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
        fields = []
        while data:
            parts = re.split(self.ends, data, maxsplit=1)
            line, data = parts[0], parts[1] if len(parts) > 1 else b""
            if not line:
                break
            name, _, value = line.partition(b":")
            if self.space_before_colon:
                name = name.strip()
            if self.underscores:
                name = name.replace(b"_", b"-")
            fields.append((name.lower(), value.strip()))
        return fields, data

    def _body(self, fields: list[tuple[bytes, bytes]], data: bytes) -> tuple[bytes, bytes]:
        lengths = [value for name, value in fields if name == b"content-length"]
        codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
        pick = -1 if self.last_counts else 0
        if codings and not (self.length_wins and lengths):
            if codings[pick] == b"chunked" or (self.loose_coding and b"chunk" in codings[pick]):
                return self._chunks(data)
        elif lengths:
            digits = re.match(rb"[0-9]*", lengths[pick])
            size = int((digits[0] if digits else b"") or 0)
            return data[:size], data[size:]
        return b"", data

    def _chunks(self, data: bytes) -> tuple[bytes, bytes]:
        body = b""
        while data:
            parts = re.split(self.ends, data, maxsplit=1)
            digits = re.match(rb"[0-9A-Fa-f]*", parts[0])
            size = int((digits[0] if digits else b"") or b"0", 16)
            data = parts[1] if len(parts) > 1 else b""
            if size == 0:
                return body, self._fields(data)[1]
            body += data[:size]
            data = re.sub(rb"^(?:" + self.ends + rb")", b"", data[size:])
        return body, data


MODELS = [
    Model("plain", ends=rb"\r\n"),
    Model("bare-lf"),
    Model("bare-cr", ends=rb"\r\n|\r|\n"),
    Model("length-wins", length_wins=True),
    Model("loose-coding", loose_coding=True),
    Model("underscores", underscores=True),
    Model("space-before-colon", space_before_colon=True),
    Model("last-counts", last_counts=True),
]


def assert_unambiguous(done: Forwarded) -> None:
    """All models see the same messages, each with the secret once, and only in its field."""
    plain = MODELS[0].read(done.wire)
    for model in MODELS:
        seen = model.read(done.wire)
        assert [(line, body) for line, _, body in seen] == [
            (line, body) for line, _, body in plain
        ], model.name
        for _, fields, body in seen:
            assert [v for n, v in fields if n == b"authorization"] == [SECRET], model.name
            assert SECRET not in body
    if not done.partial and not done.error:
        assert len(plain) == done.messages


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
