"""What hostile, broken and confused upstreams answer, and what the client may see of it.

Each answer stands for a response to one request; whatever follows it on its connection is the
upstream's attempt to answer a request that was not asked yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.escaped import tables

_OWN = tables(Path(__file__).with_suffix(".txt"))
_SHARED = tables(Path(__file__).with_name("malformed.txt"))
_OK = b"HTTP/1.1 200 OK\r\n"
_TWO = _OK + b"Content-Length: 2\r\n\r\nok"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
POISON = _OK + b"Content-Length: 6\r\n\r\npoison"
_ENDED = b"0\r\n\r\n"
_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
_NO_TOKEN = b'\t "(),/;<=>?@[\\]{}' + _CONTROLS + b"\x80\xa0\xff"


@dataclass(frozen=True)
class Answer:
    """`body`: what the client may get, whole; None: nothing that looks like an answer.

    `ends`: how the upstream leaves: not at all, "close", or "reset".
    """

    name: str
    data: bytes
    body: bytes | None = None
    method: bytes = b"GET"
    ends: str = ""


def answers() -> list[Answer]:
    """All of them, without doubles."""
    found: dict[tuple[bytes, bytes, str], Answer] = {}
    for make in (_heads, _framings, _bytes, _bodies, _cuts, _floods, _bodiless, _followed):
        for answer in make():
            found.setdefault((answer.data, answer.method, answer.ends), answer)
    return list(found.values())


def _heads() -> Iterator[Answer]:
    for line in _OWN["status line"]:
        yield Answer(f"status line {line!r}", line + b"\r\nContent-Length: 2\r\n\r\nok" + POISON)
    for field in _SHARED["field"]:
        if not field.startswith((b"Host", b"Expect")):
            yield Answer(f"field {field!r}", _head(field + b"\r\n") + b"ok" + POISON)
    for whole in _OWN["whole"]:
        yield Answer(f"{whole!r}", whole, ends="close")


def _head(fields: bytes) -> bytes:
    return _OK + fields + b"Content-Length: 2\r\n\r\n"


def _framings() -> Iterator[Answer]:
    for length in _SHARED["content-length"]:
        field = b"Content-Length: %b\r\n" % length
        yield Answer(f"Content-Length {length!r}", _OK + field + b"\r\nabc" + POISON)
    for fields in _SHARED["framing"]:
        yield Answer(f"framing {fields!r}", _OK + fields + b"\r\n" + _ENDED + POISON)
    for coding in _SHARED["transfer-encoding"]:
        field = b"Transfer-Encoding: %b\r\n" % coding
        yield Answer(f"Transfer-Encoding {coding!r}", _OK + field + b"\r\n" + _ENDED + POISON)


def _bytes() -> Iterator[Answer]:
    for byte in (bytes((each,)) for each in _NO_TOKEN):
        yield Answer(f"{byte!r} in a name", _head(b"X-%bA: b\r\n" % byte) + b"ok" + POISON)
    for byte in (bytes((each,)) for each in _CONTROLS):
        yield Answer(f"{byte!r} in a value", _head(b"X-A: b%bc\r\n" % byte) + b"ok" + POISON)
        yield Answer(f"{byte!r} in the reason", b"HTTP/1.1 200 O%bK\r\n\r\n" % byte + POISON)


def _bodies() -> Iterator[Answer]:
    head = _OK + _CHUNKED + b"\r\n"
    for size in _SHARED["chunk size"]:
        body = size + b"\r\na\r\n" + _ENDED
        yield Answer(f"chunk size {size!r}", head + body + POISON)
        yield Answer(f"later chunk size {size!r}", head + b"3\r\nabc\r\n" + body + POISON)
    for body in _SHARED["chunks"]:
        yield Answer(f"chunks {body!r}", head + body + POISON)
    for trailer in _SHARED["trailer"]:
        body = b"1\r\na\r\n0\r\n%b\r\n\r\n" % trailer
        yield Answer(f"trailer {trailer!r}", head + body + POISON)


def _cuts() -> Iterator[Answer]:
    chunked = _OK + _CHUNKED + b"\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
    for whole in (_TWO, chunked):
        for size in range(len(whole)):
            for ends in ("close", "reset"):
                yield Answer(f"{whole[:size]!r} and {ends}", whole[:size], ends=ends)
    yield Answer("until a reset", _OK + b"\r\nuntil", ends="reset")
    yield Answer("until the close", _OK + b"\r\nuntil", b"until", ends="close")
    yield Answer("1.0 until the close", b"HTTP/1.0 200 OK\r\n\r\nuntil", b"until", ends="close")


def _floods() -> Iterator[Answer]:
    for status in (100, 102, 103, 150, 199):
        one = b"HTTP/1.1 %d X\r\n\r\n" % status
        yield Answer(f"{status} without end", one * 50, ends="close")
        yield Answer(f"{status} once too often", one * 17 + _TWO)
    yield Answer("large head", _head(b"X: %b\r\n" % (b"y" * 70_000)))
    yield Answer("large reason", b"HTTP/1.1 200 %b\r\n\r\n" % (b"y" * 70_000))
    yield Answer("head without end", _OK + b"X: y\r\n" * 20_000)
    yield Answer("line without end", b"HTTP/1.1 200 " + b"y" * 70_000)
    yield Answer("many fields", _head(b"X: y\r\n" * 201))
    head = _OK + _CHUNKED + b"\r\n"
    yield Answer("large trailers", head + b"0\r\nX: %b\r\n\r\n" % (b"y" * 20_000))
    yield Answer("many trailers", head + b"0\r\n%b\r\n" % (b"X: y\r\n" * 201))
    yield Answer("trailers without end", head + b"0\r\n" + b"X: y\r\n" * 5_000)
    yield Answer("many extensions", head + b"1;x=%b\r\na\r\n" % (b"y" * 900) * 20)
    yield Answer("a long extension", head + b"1;x=%b\r\na\r\n" % (b"y" * 2_000))
    yield Answer("an extension without end", head + b"1;x=" + b"y" * 5_000)


def _bodiless() -> Iterator[Answer]:
    for fields in (b"Content-Length: 5\r\n", _CHUNKED, b""):
        for tail in (b"hello", b"5\r\nhello\r\n" + _ENDED, POISON, b"x"):
            name = f"{fields!r} and {tail[:12]!r}"
            yield Answer(f"HEAD, {name}", _OK + fields + b"\r\n" + tail, b"", b"HEAD")
            for status in (204, 304):
                head = b"HTTP/1.1 %d X\r\n" % status
                yield Answer(f"{status}, {name}", head + fields + b"\r\n" + tail, b"")


def _followed() -> Iterator[Answer]:
    yield Answer("two answers", _TWO + POISON, b"ok")
    yield Answer("an interim one behind", _TWO + b"HTTP/1.1 100 Continue\r\n\r\n", b"ok")
    yield Answer("a 101 behind", _TWO + b"HTTP/1.1 101 X\r\n\r\n", b"ok")
    yield Answer("a byte behind", _TWO + b"x", b"ok")
    yield Answer("a line behind", _TWO + b"\r\n", b"ok")
    yield Answer("an empty body and an answer", _OK + b"Content-Length: 0\r\n\r\n" + POISON, b"")
    chunked = _OK + _CHUNKED + b"\r\n2\r\nok\r\n" + _ENDED
    yield Answer("chunks and an answer", chunked + POISON, b"ok")
    yield Answer("chunks and a line", chunked + b"\r\n", b"ok")
    yield Answer("closes and goes on", _OK + b"Connection: close\r\n" + _TWO[17:] + POISON, b"ok")
    yield Answer("old, and an answer", b"HTTP/1.0" + _TWO[8:] + POISON, b"ok")
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    yield Answer("hints and two answers", hints + _TWO + POISON, b"ok")
