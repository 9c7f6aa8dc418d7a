"""A client's WebSocket frames (RFC 6455 5), without I/O: bytes in, bytes to send on out.

Only a text frame that is a whole message, masked as a client's must be, uncompressed and of at
most MAX_TEXT bytes, is held until it is there, and shown unmasked. Where that changes it, it goes
on under a new masking key. Everything else passes as it came, byte for byte and without delay, and
a frame that makes no sense does so too: it is the upstream's to refuse.
"""

import secrets
from collections.abc import Callable

MAX_TEXT = 1024 * 1024

_WHOLE_TEXT = 0x81  # FIN, no reserved bit, opcode text
_MASKED = 0x80
_EXTENDED = {126: 2, 127: 8}

Data = bytes | memoryview
Rewrite = Callable[[bytes], bytes]
"""The text to send instead of a frame's, or the very same object. What it raises is passed on."""


class ClientFrames:
    """One client's frames, in order. `new_key` makes masking keys of 4 bytes."""

    def __init__(
        self, rewrite: Rewrite, new_key: Callable[[], bytes] = lambda: secrets.token_bytes(4)
    ) -> None:
        self._rewrite = rewrite
        self._new_key = new_key
        self._passing = 0
        self._held = bytearray()
        self._missing = 2

    def feed(self, data: Data) -> Data:
        """What to send for `data`; a view of it as long as it only passes."""
        if self._passing >= len(data):
            self._passing -= len(data)
            return data
        out: list[Data] = []
        view = memoryview(data)
        while view:
            if self._passing:
                out.append(view[: self._passing])
                view = self._skip(view)
                continue
            # Bytes are collected until the next decision can be taken, and no further.
            part = view[: self._missing]
            self._held += part
            self._missing -= len(part)
            view = view[len(part) :]
            if not self._missing:
                out.append(self._decide())
        return b"".join(out)

    def _skip(self, view: memoryview) -> memoryview:
        rest = view[self._passing :]
        self._passing -= len(view) - len(rest)
        return rest

    def _decide(self) -> bytes:
        """What can be sent now that the bytes are there that were missing."""
        held = self._held
        begin = header_size(held[1])
        if len(held) < begin:
            self._missing = begin - len(held)
            return b""
        size = payload_size(held)
        if held[0] == _WHOLE_TEXT and held[1] & _MASKED and size <= MAX_TEXT:
            if len(held) < begin + size:
                self._missing = begin + size - len(held)
                return b""
            return self._release(self._text(bytes(held), begin))
        self._passing = size
        return self._release(bytes(held))

    def _release(self, frame: bytes) -> bytes:
        self._held.clear()
        self._missing = 2
        return frame

    def _text(self, frame: bytes, begin: int) -> bytes:
        text = mask(frame[begin:], frame[begin - 4 : begin])
        replaced = self._rewrite(text)
        return frame if replaced is text else text_frame(replaced, self._new_key())


def header_size(second: int) -> int:
    """Bytes of a frame's header, by its second byte."""
    return 2 + _EXTENDED.get(second & 0x7F, 0) + (4 if second & _MASKED else 0)


def payload_size(header: bytes | bytearray) -> int:
    """Bytes of a frame's payload, by its whole header."""
    short = header[1] & 0x7F
    extended = _EXTENDED.get(short)
    return short if extended is None else int.from_bytes(header[2 : 2 + extended])


def mask(payload: bytes, key: bytes) -> bytes:
    """The payload with its mask put on, or taken off."""
    size = len(payload)
    keys = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(keys)).to_bytes(size)


def text_frame(text: bytes, key: bytes) -> bytes:
    """A whole text message in one masked frame, its length in the shortest form."""
    size = len(text)
    if size < 126:
        length = bytes((_MASKED | size,))
    elif size < 1 << 16:
        length = bytes((_MASKED | 126,)) + size.to_bytes(2)
    else:
        length = bytes((_MASKED | 127,)) + size.to_bytes(8)
    return b"".join((bytes((_WHOLE_TEXT,)), length, key, mask(text, key)))
