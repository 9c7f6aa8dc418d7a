"""Requests: what goes on is what a strict reader saw, and means one thing to every other one."""

import h11

from proxy_core.mitm.http1 import (
    ProtocolError,
    find_head,
    outline_request,
    parse_request_head,
    render_request,
    split_target,
)
from tests.fuzz.inputs import Input
from tests.mitm.http1.readers import INJECTION, SECRET, assert_unambiguous, forward
from tests.mitm.http1.reference import Message, Reference


def check(data: bytes) -> None:
    """Any cutting gives the same messages, which are those that came in and those that go out."""
    given = Input(data)
    whole = forward([given.rest])
    cut = forward(given.pieces(given.rest))
    assert (cut.messages, cut.error) == (whole.messages, whole.error)
    if not whole.error:
        assert cut.wire == whole.wire
    for wire in (whole.wire, cut.wire):
        _check_wire(given.rest, wire, whole.messages)
    assert_unambiguous(whole)
    _check_elsewhere(whole.wire, whole.messages)
    _check_outline(given.rest)
    again = forward([whole.wire])
    assert (again.error, again.messages) == ("", whole.messages)
    assert again.wire == whole.wire or b"max-forwards" in whole.wire.lower()


def _check_wire(stream: bytes, wire: bytes, count: int) -> None:
    came, _ = Reference(stream).requests()
    went, ending = Reference(wire).requests()
    assert len(came) >= count, "read as a message what is none"
    assert len(went) == count, "wrote another number of messages"
    assert ending in ("end", "incomplete"), "wrote what is malformed"
    for one, other in zip(came, went, strict=False):
        _check_pair(one, other)


def _check_pair(came: Message, went: Message) -> None:
    method, target, _ = came.start.split(b" ")
    origin_form = split_target(method, target).origin_form
    assert went.start == b"%b %b HTTP/1.1" % (method, origin_form)
    assert went.body == came.body
    assert went.values(b"host") == [b"real.example"]
    assert went.values(b"authorization") == [SECRET]
    assert not went.values(b"proxy-authorization")
    names = {name for name, _ in went.trailers}
    assert not names & {b"authorization", b"host", b"content-length", b"transfer-encoding"}
    assert names <= {name for name, _ in came.trailers}


def _check_outline(stream: bytes) -> None:
    """What is kept of a head, with the values put in, is the head that would be rendered anew."""
    try:
        head = parse_request_head(stream[: find_head(stream, 0, 65536)])
        target = split_target(head.method, head.target).origin_form
        rendered = render_request(head, target, b"real.example", INJECTION)
    except ProtocolError:
        return
    outline = outline_request(head, target, b"real.example", [b"Authorization"])
    assert outline is not None
    assert outline.fill(INJECTION.headers) == rendered


def _check_elsewhere(wire: bytes, count: int) -> None:
    """h11, which nobody here has written, reads the same messages."""
    found, _ = Reference(wire).requests()
    for message in found[:count]:
        server, body = h11.Connection(h11.SERVER), b""
        server.receive_data(wire)
        request = server.next_event()
        assert isinstance(request, h11.Request)
        assert b"%b %b HTTP/1.1" % (request.method, request.target) == message.start
        while isinstance(event := server.next_event(), h11.Data):
            body += event.data
        assert isinstance(event, h11.EndOfMessage)
        assert body == message.body
        wire = server.trailing_data[0]
