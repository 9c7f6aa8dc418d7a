"""Responses: the client gets the answer that a strict reader saw, or can tell that it was cut."""

from collections.abc import Iterable
from dataclasses import dataclass

from proxy_core.mitm.http1 import (
    UNTIL_CLOSE,
    BodyReader,
    Framing,
    Limits,
    ProtocolError,
    ResponseHead,
    Side,
    body_reader,
    find_response_head,
    parse_response_head,
    render_response,
    response_framing,
    whole_response,
)
from tests.fuzz.inputs import Input
from tests.mitm.http1.reference import Incomplete, Message, Reference, Refused

_METHODS = (b"GET", b"HEAD", b"POST", b"OPTIONS")


@dataclass
class _Delivered:
    """What reached the client: `whole` only if the response ended where it said it would."""

    wire: bytes = b""
    interim: int = 0
    payload: bytes = b""
    whole: bool = False
    open_end: bool = False
    error: str = ""
    rest: bytes = b""


class _Delivery:
    """Does with the core what an exchange does with one upstream's bytes."""

    def __init__(self, method: bytes, minor: int) -> None:
        self._method, self._minor = method, minor
        self.done = _Delivered()
        self._buffer = bytearray()
        self._reader: BodyReader | None = None

    def run(self, feeds: Iterable[bytes]) -> _Delivered:
        try:
            for data in feeds:
                self._buffer += data
                self._step()
            if self._reader is not None and not self._reader.complete:
                self.done.wire += self._reader.eof()
                self.done.whole = True
        except ProtocolError as error:
            self.done.error = error.code
        self.done.rest = bytes(self._buffer)
        return self.done

    def _step(self) -> None:
        while self._reader is None:
            end = find_response_head(self._buffer, 0, 65536)
            if end < 0:
                return
            head = parse_response_head(bytes(self._buffer[:end]), self._method)
            del self._buffer[:end]
            self._begin(head)
        if not self.done.whole:
            chunk = self._reader.feed(bytes(self._buffer))
            del self._buffer[: chunk.consumed]
            self.done.payload += chunk.payload
            self.done.wire += chunk.wire
            self.done.whole = self._reader.complete

    def _begin(self, head: ResponseHead) -> None:
        framing = head.framing
        if not head.interim:
            framing = response_framing(head.framing, self._minor)
            self._reader = _reader(head, framing)
            self.done.open_end = framing == UNTIL_CLOSE
        else:
            self.done.interim += 1
        self.done.wire += render_response(head, framing, close=False, client_minor=self._minor)


def _reader(head: ResponseHead, out: Framing) -> BodyReader:
    return body_reader(head.framing, side=Side.RESPONSE, out=out)


def check(data: bytes) -> None:
    """Any cutting gives the same answer; it means what came, and is whole only if that was."""
    given = Input(data)
    about = given.line()
    method = next((each for each in _METHODS if about.startswith(each)), b"GET")
    minor = int(not about.endswith(b"1.0"))
    whole = _Delivery(method, minor).run([given.rest])
    cut = _Delivery(method, minor).run(given.pieces(given.rest))
    assert (cut.interim, cut.whole, cut.error) == (whole.interim, whole.whole, whole.error)
    assert cut.rest == whole.rest or whole.error
    if whole.whole:
        assert cut.payload == whole.payload
    for done in (whole, cut):
        _check_wire(done, given.rest, method)
    short = whole_response(given.rest, Limits())
    if short is not None and minor and method != b"HEAD":
        assert (whole.whole, whole.rest) == (True, b""), "a short way to what is no whole answer"
        assert Reference(short.wire).response(method) == Reference(whole.wire).response(method)
        assert (short.payload, len(short.wire)) == (len(whole.payload), len(whole.wire))


def _check_wire(done: _Delivered, stream: bytes, method: bytes) -> None:
    went = Reference(done.wire)
    came = Reference(stream)
    for _ in range(done.interim):
        assert went.response(method).start[:12] == _version_1_1(came.response(method))
    try:
        last = went.response(method)
    except Incomplete:
        assert not done.whole
        return
    except Refused:
        raise AssertionError("wrote what is malformed") from None
    assert done.whole or (done.open_end and last.closed), "a cut answer looks whole"
    if done.whole:
        try:
            first = came.response(method)
        except (Incomplete, Refused):
            raise AssertionError("an answer was made up") from None
        assert (last.start[:12], last.body) == (_version_1_1(first), first.body)
        assert last.body == done.payload
        assert went.at == len(done.wire), "more was written than the answer"


def _version_1_1(message: Message) -> bytes:
    return b"HTTP/1.1 " + message.start[9:12]
