"""A run of requests through the core, and who may read what it writes.

`MODELS` read HTTP as leniently as servers have been known to. What the core lets through must mean
the same to all of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proxy_core.domain.exchange import Injection
from proxy_core.mitm.http1 import (
    ProtocolError,
    body_reader,
    find_head,
    injected_names,
    parse_request_head,
    render_request,
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
