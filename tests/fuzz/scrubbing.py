"""Scrubbing: no secret survives, nothing else changes, and cuts make no difference."""

import re
from base64 import b64encode
from collections.abc import Iterator

from proxy_core.mitm.http1 import CHUNKED, UNTIL_CLOSE, Limits
from proxy_core.mitm.scrub import Scrubber, Secret, compile_scrubber
from proxy_core.mitm.scrub.body import ScrubbedBody
from tests.fuzz.inputs import Input, outcome
from tests.mitm.http1.reference import Incomplete, Reference

PLACEHOLDER = b"<!>"
_CODINGS = (b"gzip", b"deflate", b"br", b"zstd")


def check(data: bytes) -> None:
    """A secret of the input's own choice, in a text and in a body."""
    given = Input(data)
    value = bytes(byte for byte in given.line() if 0x20 < byte < 0x7F and byte not in PLACEHOLDER)
    scrub = compile_scrubber([Secret(PLACEHOLDER, value)])
    if scrub is None:
        return
    _check_text(given, scrub, value)
    _check_body(given, scrub, value)


def _check_text(given: Input, scrub: Scrubber, value: bytes) -> None:
    text = given.rest
    whole = scrub.whole(text)
    stream = scrub.stream()
    cut = b"".join(map(stream.feed, given.pieces(text))) + stream.flush()
    assert cut == whole
    assert value not in whole
    assert _percent(value) not in whole
    assert _codes(value) not in whole
    if not _could_hold(text, value):
        assert whole == text, "changed what holds no secret"


def _check_body(given: Input, scrub: Scrubber, value: bytes) -> None:
    about = given.line()
    coding = next((name for name in _CODINGS if about.endswith(name)), None)
    framing = CHUNKED if about.startswith(b"chunked") else UNTIL_CLOSE

    def sent(pieces: Iterator[bytes]) -> Iterator[bytes]:
        body = ScrubbedBody(framing, coding, scrub, Limits())
        out, first = body.frame_first(b"", 1)
        assert out == CHUNKED
        yield first
        for piece in pieces:
            while piece and not body.complete:
                chunk = body.feed(piece)
                yield bytes(chunk.wire)
                while body.more:
                    yield bytes(body.feed(b"").wire)
                if not chunk.consumed:
                    break
                piece = piece[chunk.consumed :]
        if not body.complete:
            yield body.eof()

    whole, code = outcome(lambda: sent(iter([given.rest])))
    cut, cut_code = outcome(lambda: sent(given.pieces(given.rest)))
    # What is wrong in two ways may be found so or so: cutting decides which is met first.
    assert bool(cut_code) == bool(code)
    contents = [_content(wire, bool(code)) for wire in (whole, cut)]
    assert code or contents[0] == contents[1]
    assert not any(value in content for content in contents)


def _content(wire: bytes, broken: bool) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    try:
        message = Reference(head + wire).response(b"GET")
    except Incomplete:
        assert broken, "a whole body looks cut"
        return wire
    assert not broken, "a broken body looks whole"
    return message.body


def _percent(value: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in value)


def _codes(value: bytes) -> bytes:
    return b"".join(b"\\u%04x" % byte for byte in value)


def _could_hold(text: bytes, value: bytes) -> bool:
    """Whether the secret can be read out of the text: generous, and told apart from the engine."""
    return any(_found(text, form) for form in _forms(value))


def _found(text: bytes, form: bytes) -> bool:
    """All places at once: where one character may end, the next may begin."""
    places = set(range(len(text)))
    for byte in form:
        either = {b"+": b"+-", b"/": b"/_"}.get(bytes((byte,)), bytes((byte,)))
        places = {end for at in places for each in either for end in _ends(text, at, each)}
    return bool(places)


def _ends(text: bytes, at: int, byte: int) -> Iterator[int]:
    """Where a character may end: as it is or escaped, behind any number of backslashes."""
    one = re.compile(re.escape(b"%c" % byte) + b"|(?:%%(?:25)*|u00)(?i:%02x)" % byte)
    while True:
        if found := one.match(text, at):
            yield found.end()
        if byte == 0x25 and (found := _PERCENTS.match(text, at)):
            yield from range(at + 1, found.end() + 1, 2)
        if text[at : at + 1] != b"\\":
            return
        at += 1
        if byte == 0x5C:
            yield at


_PERCENTS = re.compile(b"%(?:25)*")


def _forms(value: bytes) -> Iterator[bytes]:
    """Itself, and what base64 makes of it alone at each alignment."""
    yield value
    for before in range(3):
        encoded = b64encode(bytes(before) + value)
        yield encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
