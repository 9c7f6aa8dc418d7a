"""Requests that no strict reader accepts, made systematically: every rule, every byte, every place.

Each is whole, so that it is refused for what it is and not waited for, and is followed by a proper
request that a lenient reader might take for the next one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.escaped import tables
from tests.mitm.rig import AUTH, HOST

NAME = HOST.encode()
EVIL = b"GET %b/evil HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n"
_WRONG = tables(Path(__file__).with_suffix(".txt"))
_CONTROLS = bytes([*range(0x09), *range(0x0A, 0x20), 0x7F])
_NO_TOKEN = b'\t "(),/;<=>?@[\\]{}' + _CONTROLS + b"\x80\xa0\xff"
_NO_TARGET = b"\t #" + _CONTROLS + b"\x80\xc3\xff"
_ENDED = b"0\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """A request and the status that refuses it."""

    name: str
    data: bytes
    status: int = 400


@dataclass(frozen=True)
class Form:
    """How requests are spelled: in absolute form to the proxy itself, or inside a tunnel."""

    prefix: bytes
    credentials: bytes

    def request(
        self,
        fields: bytes = b"",
        body: bytes = b"",
        *,
        line: bytes = b"",
        method: bytes = b"POST",
        path: bytes = b"/own",
        version: bytes = b"HTTP/1.1",
        host: bytes = b"Host: " + NAME + b"\r\n",
    ) -> bytes:
        """A request with one thing in it that is wrong; `fields` end in CRLF."""
        line = line or b"%b %b%b %b" % (method, self.prefix, path, version)
        head = line + b"\r\n" + host + self.credentials + fields + b"\r\n"
        return head + body + EVIL % self.prefix


DIRECT = Form(b"http://" + NAME, AUTH)
INSIDE = Form(b"", b"")


def cases(form: Form) -> list[Case]:
    """All of them, without doubles."""
    found: dict[bytes, Case] = {}
    for make in (_heads, _bytes_in_lines, _bytes_in_fields, _framing, _chunks, _large):
        for case in make(form):
            found.setdefault(case.data, case)
    return list(found.values())


def _heads(form: Form) -> Iterator[Case]:
    for version in _WRONG["version"]:
        yield Case(f"version {version!r}", form.request(version=version))
    for line in _WRONG["line"]:
        yield Case(f"line {line!r}", form.request(line=line % (form.prefix + b"/own")))
    for line in _WRONG["whole line"]:
        yield Case(f"line {line!r}", form.request(line=line))
    for method in (b"get", b"Post", b"pOST", b"", b"A" * 33):
        yield Case(f"method {method!r}", form.request(method=method))
    for field in _WRONG["host field"]:
        yield Case(f"instead of Host {field!r}", form.request(host=field))
    for host in _WRONG["host"]:
        yield Case(f"Host {host!r}", form.request(host=b"Host: %b\r\n" % host))
    for field in _WRONG["field"]:
        yield Case(f"field {field!r}", form.request(field + b"\r\n"))
    for hops in _WRONG["max-forwards"]:
        field = b"Max-Forwards: %b\r\n" % hops
        yield Case(f"Max-Forwards {hops!r}", form.request(field, method=b"OPTIONS"))


def _bytes_in_lines(form: Form) -> Iterator[Case]:
    for byte in _each(_NO_TOKEN):
        yield Case(f"{byte!r} in the method", form.request(method=b"PO" + byte + b"ST"))
        yield Case(f"{byte!r} before the method", form.request(method=byte + b"POST"))
    for byte in _each(_NO_TARGET):
        for path in (b"/o%bwn", b"/own%b", b"/?a%bb"):
            yield Case(f"{byte!r} in {path!r}", form.request(path=path % byte))


def _bytes_in_fields(form: Form) -> Iterator[Case]:
    for byte in _each(_NO_TOKEN):
        for field in (b"X-%bA: b", b"%bX-A: b", b"X-A%b: b"):
            yield Case(f"{byte!r} in {field!r}", form.request(field % byte + b"\r\n"))
    for byte in _each(_CONTROLS):
        for field in (b"X-A: b%bc", b"X-A: %bb", b"X-A: b%b", b"Connection: %bclose"):
            yield Case(f"{byte!r} in {field!r}", form.request(field % byte + b"\r\n"))
        for field in (b"Content-Length: %b5", b"Content-Length: 5%b"):
            yield Case(f"{byte!r} in {field!r}", form.request(field % byte + b"\r\n", _ENDED))
        for field in (b"Transfer-Encoding: %bchunked", b"Transfer-Encoding: chunked%b"):
            yield Case(f"{byte!r} in {field!r}", form.request(field % byte + b"\r\n", _ENDED))
        yield Case(f"{byte!r} in Host", form.request(host=b"Host: api%b.test\r\n" % byte))


def _framing(form: Form) -> Iterator[Case]:
    for length in (*_WRONG["content-length"], b"1" * 19, b"0" * 40 + b"3"):
        field = b"Content-Length: %b\r\n" % length
        yield Case(f"Content-Length {length!r}", form.request(field, b"abc"))
    for fields in _WRONG["framing"]:
        yield Case(f"framing {fields!r}", form.request(fields, _ENDED))
    for coding in _WRONG["transfer-encoding"]:
        field = b"Transfer-Encoding: %b\r\n" % coding
        yield Case(f"Transfer-Encoding {coding!r}", form.request(field, _ENDED))
    for coding in (b"chunked", b"gzip", b"chunked\r\nContent-Length: 5"):
        old = form.request(b"Transfer-Encoding: %b\r\n" % coding, _ENDED, version=b"HTTP/1.0")
        yield Case(f"HTTP/1.0 with Transfer-Encoding {coding!r}", old)


def _chunks(form: Form) -> Iterator[Case]:
    long = b"x" * 1200
    for size in (*_WRONG["chunk size"], b"0" * 17, b"1" + b"0" * 16, b"1;" + long, b"1;x=" + long):
        yield _chunked(form, f"size {size[:20]!r}", size + b"\r\na\r\n" + _ENDED)
    for body in _WRONG["chunks"]:
        yield _chunked(form, f"{body!r}", body)
    for trailer in _WRONG["trailer"]:
        yield _chunked(form, f"trailer {trailer!r}", b"0\r\n%b\r\n\r\n" % trailer)
    yield _chunked(form, "large trailers", b"0\r\nX: %b\r\n\r\n" % (b"y" * 20000), 431)
    yield _chunked(form, "many trailers", b"0\r\n%b\r\n" % (b"X: y\r\n" * 201), 431)
    yield _chunked(form, "many extensions", b"1;x=%b\r\na\r\n" % (b"y" * 900) * 20 + _ENDED)


def _chunked(form: Form, name: str, body: bytes, status: int = 400) -> Case:
    data = form.request(b"Transfer-Encoding: chunked\r\n", body)
    return Case(f"chunks: {name}", data, status)


def _large(form: Form) -> Iterator[Case]:
    yield Case("large value", form.request(b"X-A: %b\r\n" % (b"b" * 65536)), 431)
    yield Case("many fields", form.request(b"X-A: b\r\n" * 201), 431)
    yield Case("large name", form.request(b"X" * 65536 + b": b\r\n"), 431)
    yield Case("large target", form.request(path=b"/" + b"a" * 65536), 431)


def _each(characters: bytes) -> list[bytes]:
    return [bytes((byte,)) for byte in characters]
