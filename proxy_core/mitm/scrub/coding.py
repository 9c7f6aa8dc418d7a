"""Content codings taken off: gzip, deflate, br, zstd.

A few bytes may hold gigabytes. So each call gives PIECE bytes or little more, and `more` says that
further ones are there before new bytes may be given.
"""

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli  # type: ignore[import-untyped] # ships no types

from proxy_core.base.errors import VaultError

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

PIECE = 256 * 1024
_GZIP, _ZLIB, _RAW = 31, 15, -15
_GZIP_MAGIC = b"\x1f\x8b"
# RFC 9659: what a decoder of this coding has to support, and all that it has to keep in memory.
_ZSTD_WINDOW: dict[int, int] = {DecompressionParameter.window_log_max: 23}


class Decoder(Protocol):
    """Takes a coding off a body that comes in pieces."""

    @property
    def more(self) -> bool:
        """Decoded bytes are waiting: the next call takes no new ones."""

    @property
    def ended(self) -> bool:
        """The coded data is whole; what follows it is nothing."""

    def decode(self, data: bytes) -> bytes:
        """Decoded bytes. Raises what the library raises."""


class _Zlib:
    """gzip (several members one after another), and deflate with or without zlib's wrapping."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._inflater: zlib._Decompress | None = None
        self._waiting = b""
        self.more = False

    @property
    def ended(self) -> bool:
        return self._inflater is not None and self._inflater.eof

    def decode(self, data: bytes) -> bytes:
        data = self._waiting + data
        if (self._inflater is None or self._inflater.eof) and not self._begin(data):
            return b""
        assert self._inflater is not None
        piece = self._inflater.decompress(data, PIECE)
        if self._inflater.eof:
            self._waiting = self._inflater.unused_data
            self.more = self._waiting.startswith(_GZIP_MAGIC)
        else:
            self._waiting = self._inflater.unconsumed_tail
            self.more = bool(self._waiting) or len(piece) >= PIECE
        return piece

    def _begin(self, data: bytes) -> bool:
        """Open what begins with `data`; False: too few bytes to know, or nothing that belongs."""
        self.more = False
        self._waiting = data[:1] if len(data) < 2 else b""
        if len(data) < 2 or (self._inflater is not None and not data.startswith(_GZIP_MAGIC)):
            return False
        wbits = self._wbits
        if wbits == _ZLIB and (data[0] & 0x0F != 8 or (data[0] << 8 | data[1]) % 31):
            wbits = _RAW
        self._inflater = zlib.decompressobj(wbits)
        return True


class _Brotli:
    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def more(self) -> bool:
        return not self.ended and not self._decoder.can_accept_more_data()

    @property
    def ended(self) -> bool:
        return bool(self._decoder.is_finished())

    def decode(self, data: bytes) -> bytes:
        if self.ended and not data:
            return b""
        return bytes(self._decoder.process(data, output_buffer_limit=PIECE))


class _Zstd:
    """Frames one after another."""

    def __init__(self) -> None:
        self._decoder = ZstdDecompressor(options=_ZSTD_WINDOW)
        self._begun = False

    @property
    def more(self) -> bool:
        if self._decoder.eof:
            return bool(self._decoder.unused_data)
        return self._begun and not self._decoder.needs_input

    @property
    def ended(self) -> bool:
        return self._decoder.eof and not self._decoder.unused_data

    def decode(self, data: bytes) -> bytes:
        if self._decoder.eof:
            data = self._decoder.unused_data + data
            if not data:
                return b""
            self._decoder = ZstdDecompressor(options=_ZSTD_WINDOW)
        self._begun = self._begun or bool(data)
        return self._decoder.decompress(data, PIECE)


_DECODERS: dict[bytes, Callable[[], Decoder]] = {
    b"gzip": lambda: _Zlib(_GZIP),
    b"x-gzip": lambda: _Zlib(_GZIP),
    b"deflate": lambda: _Zlib(_ZLIB),
    b"br": _Brotli,
    b"zstd": _Zstd,
}
CODINGS = frozenset(_DECODERS)
"""Names that `Decoding` knows."""


class Decoding:
    """One body's coding, by its name in CODINGS; what fails is VaultError response_unreadable."""

    def __init__(self, coding: bytes) -> None:
        self._decoder = _DECODERS[coding]()
        self._coding = coding.decode("ascii")
        self._begun = False

    @property
    def more(self) -> bool:
        """Decoded bytes are waiting: `decode(b"")` gives them, and no new bytes are taken."""
        return self._decoder.more

    def decode(self, data: bytes) -> bytes:
        """What `data` gives, or a part of it. Raises VaultError response_unreadable."""
        self._begun = self._begun or bool(data)
        try:
            return self._decoder.decode(data)
        except (zlib.error, brotli.error, ZstdError, EOFError, MemoryError):
            detail = f"the response says it is {self._coding}, and is not"
            raise VaultError("response_unreadable", detail) from None

    def end(self) -> None:
        """The body has ended. Raises VaultError response_unreadable when it was cut."""
        if self._begun and not self._decoder.ended:
            raise VaultError("response_unreadable", f"the {self._coding} data ends too early")
