"""HTTP/1.1 and WebSocket by hand, as little as both ends of the soak need of them."""

import asyncio
import os
import socket
import ssl
import struct
from dataclasses import dataclass

BLOCK = 64 * 1024
MAX_HEAD = 64 * 1024
TEXT, CLOSE = 1, 8


class Gone(Exception):
    """The other side ended the connection too early."""


@dataclass(slots=True)
class Head:
    """A request line or status line in three parts, and the fields with names in lower case."""

    start: tuple[str, str, str]
    fields: dict[str, str]

    @property
    def status(self) -> int:
        """Of a response."""
        return int(self.start[1])


@dataclass(slots=True)
class Answer:
    """A response, read whole."""

    head: Head
    body: bytes = b""

    @property
    def status(self) -> int:
        """Its status code."""
        return self.head.status

    @property
    def code(self) -> str:
        """The proxy's own error code; empty for an upstream's answer."""
        return self.head.fields.get("x-vault-proxy-error", "")


@dataclass(slots=True)
class Line:
    """One connection. Every method raises Gone when the other side has left."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    ended: bool = False
    """The other side has said that it will close the connection."""

    async def send(self, data: bytes) -> None:
        """Hand the bytes over; waits while the other side takes none."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (OSError, ssl.SSLError) as error:
            raise Gone(str(error)) from None

    async def read(self, size: int) -> bytes:
        """Up to `size` bytes, b"" at the end."""
        try:
            return await self.reader.read(size)
        except (OSError, ssl.SSLError) as error:
            raise Gone(str(error)) from None

    async def exactly(self, size: int) -> bytes:
        """`size` bytes."""
        try:
            return await self.reader.readexactly(size)
        except (OSError, EOFError, ssl.SSLError) as error:
            raise Gone(str(error)) from None

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and with `mark`."""
        try:
            return await self.reader.readuntil(mark)
        except (OSError, EOFError, ssl.SSLError) as error:
            raise Gone(str(error)) from None

    async def head(self) -> Head:
        """The next head."""
        first, *rest = (await self.until(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
        parts = first.split(" ", 2)
        fields = {
            name.lower(): value.strip() for name, _, value in (f.partition(":") for f in rest)
        }
        return Head((parts[0], parts[1], parts[2] if len(parts) > 2 else ""), fields)

    async def chunk(self) -> bytes:
        """The next chunk of a chunked body; b"" is its end."""
        size = int((await self.until(b"\r\n")).split(b";")[0], 16)
        return (await self.exactly(size + 2))[:-2]

    async def body(self, head: Head, pause: float = 0.0) -> bytes:
        """The body behind a head, read in pieces with a pause between them."""
        pieces: list[bytes] = []
        if head.fields.get("transfer-encoding", "").lower() == "chunked":
            while piece := await self.chunk():
                pieces.append(piece)
                await asyncio.sleep(pause)
            return b"".join(pieces)
        left = int(head.fields.get("content-length", "0"))
        while left:
            piece = await self.read(min(left, BLOCK))
            if not piece:
                raise Gone(f"{left} bytes of the body are missing")
            left -= len(piece)
            pieces.append(piece)
            await asyncio.sleep(pause)
        return b"".join(pieces)

    async def message(self) -> tuple[int, bytes]:
        """The next WebSocket message: opcode and payload."""
        opcode, whole = 0, b""
        while True:
            first, second = await self.exactly(2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(await self.exactly(2 if size == 126 else 8))
            key = await self.exactly(4) if second & 0x80 else b""
            payload = await self.exactly(size)
            whole += _masked(payload, key) if key else payload
            opcode = opcode or first & 0x0F
            if first & 0x80:
                return opcode, whole

    def abort(self, reset: bool = False) -> None:
        """Leave without a word; with `reset` so that the other side gets an error."""
        if reset and (sock := self.writer.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        """Leave properly, TLS goodbye included."""
        self.writer.close()


def frame(text: bytes, *, opcode: int = TEXT, masked: bool) -> bytes:
    """A whole WebSocket message in one frame."""
    size = len(text)
    flag = 0x80 if masked else 0
    if size < 126:
        length = bytes((flag | size,))
    elif size < 1 << 16:
        length = bytes((flag | 126,)) + size.to_bytes(2)
    else:
        length = bytes((flag | 127,)) + size.to_bytes(8)
    key = os.urandom(4) if masked else b""
    return bytes((0x80 | opcode,)) + length + key + (_masked(text, key) if masked else text)


def chunked(data: bytes, size: int) -> bytes:
    """The body in chunks of `size`, to its end."""
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _masked(payload: bytes, key: bytes) -> bytes:
    keys = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(keys)).to_bytes(len(payload))
