"""Scrubbing: no secret survives, nothing else changes, and cuts make no difference."""

import re
from base64 import urlsafe_b64encode
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


_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})|\\+u00([0-9A-Fa-f]{2})|\\+([\"/\\bfnrt])")
_SHORT = dict(zip(b"bfnrt", b"\b\f\n\r\t", strict=True))


def _could_hold(text: bytes, value: bytes) -> bool:
    """Whether the secret can be read out of the text: generous, and told apart from the engine.

    Looked for is the secret with its own escapes left and with them undone, in the text at each
    depth of decoding.
    """
    wanted = {_bare(form) for form in (*_forms(value), *_forms(_readings(value)[-1]))}
    return any(form in _bare(reading) for reading in _readings(text) for form in wanted)


def _readings(text: bytes) -> list[bytes]:
    """The text, and what is left when its escapes are undone, again and again."""
    readings = [text]
    while len(readings) < 10 and (less := _ESCAPE.sub(_unescaped, readings[-1])) != readings[-1]:
        readings.append(less)
    return readings


def _bare(text: bytes) -> bytes:
    """Without backslashes, since any run of them may stand for one, and in one base64 alphabet."""
    return text.replace(b"\\", b"").translate(bytes.maketrans(b"+/", b"-_"))


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[3]:
        return bytes((_SHORT.get(found[3][0], found[3][0]),))
    return bytes((int(found[1] or found[2], 16),))


def _forms(value: bytes) -> Iterator[bytes]:
    """Itself, and what base64 makes of it alone at each alignment."""
    yield value
    for before in range(3):
        encoded = urlsafe_b64encode(bytes(before) + value)
        yield encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
