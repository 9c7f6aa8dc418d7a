"""Whether a response refuses the account it was asked with, beside its status."""

import msgspec

OVERLOADED = 529
_LINE_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


class _Error(msgspec.Struct):
    type: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    error: _Error = msgspec.field(default_factory=_Error)


def error_event(text: bytes, *, ended: bool = False) -> bytes | None:
    """Data of the first event of a stream if it is an `error`, b"" if not; None: not whole yet.

    Comments and empty blocks before it are skipped. `ended`: nothing follows `text`.
    """
    rest = text.removeprefix(b"\xef\xbb\xbf")
    while True:
        block, found, rest = _cut(rest)
        if not found and not ended:
            return None
        name, data = _fields(block)
        if name or data:
            return data if name == b"error" else b""
        if not found:
            return b""


def is_overload(event: bytes) -> bool:
    """Whether the data of an error event says that the provider is overloaded."""
    try:
        found = msgspec.json.decode(event, type=_Event)
    except (msgspec.DecodeError, RecursionError):
        return False
    return found.error.type == "overloaded_error"


def _cut(text: bytes) -> tuple[bytes, bool, bytes]:
    places = [(text.find(end), end) for end in _LINE_ENDS]
    found = [(place, end) for place, end in places if place >= 0]
    if not found:
        return text, False, b""
    place, end = min(found)
    return text[:place], True, text[place + len(end) :]


def _fields(block: bytes) -> tuple[bytes, bytes]:
    name, data = b"", []
    for line in block.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)
    return name, b"\n".join(data)
