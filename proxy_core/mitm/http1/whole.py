"""A response that came whole in one piece, looked at only where it decides something.

Most responses are small, and little in them is for this hop alone: what `parse_response_head` and
`render_response` make of their heads is nearly what they were. `whole_response` recognises those by
two patterns over the bytes and says None to anything else, malformed or merely unusual: that goes
the long way. For what it lets pass it answers as the long way does.
"""

import re
from typing import NamedTuple

from proxy_core.mitm.http1.fields import TOKEN, VALUE
from proxy_core.mitm.http1.render import MESSAGE_ENDS_HERE
from proxy_core.mitm.http1.values import Limits

# Fields spelled as we would spell them: one blank before the value, none at its end.
_FIELD = TOKEN + rb"++: (?![\t ])" + VALUE + rb"*+(?<![\t ])\r\n"
_HEAD = re.compile(rb"HTTP/1\.1 ([2-5][0-9]{2}) " + VALUE + rb"*+\r\n(?:" + _FIELD + rb")*\r\n")
# In lower case: fields that end at this hop, or tell of events that come one by one. The end of a
# name is not looked for: what only begins like one of these goes the long way as well.
_ENDS_HERE = b"|".join(name.replace(b"-", b"[_-]") for name in sorted(MESSAGE_ENDS_HERE))
_DECIDES = re.compile(
    rb"\r\n(proxy[_-]|content-type: (?:text/event-stream|application/(?:x-ndjson|vnd\.amazon))|"
    + _ENDS_HERE
    + rb")(?:: )?([^\r]*+)"
)
_SIZE = re.compile(rb"0|[1-9][0-9]{0,17}")  # as we would write it
_BODILESS = (b"204", b"304")


class WholeResponse(NamedTuple):
    """`wire` is head and body as the client gets them; `payload` counts the body's bytes."""

    status: int
    payload: int
    wire: bytes


def whole_response(data: bytes, limits: Limits) -> WholeResponse | None:
    """`data` if it is exactly one response, with a length, to anything but HEAD or CONNECT.

    Both connections can be used again after it, as far as the upstream is concerned.
    """
    match = _HEAD.match(data)
    if match is None or match[1] in _BODILESS:
        return None
    end = match.end()
    if end > limits.head or data.count(b"\r\n", 0, end) > limits.fields:
        return None
    lengths, cuts = [], []
    folded = data[:end].lower()
    for found in _DECIDES.finditer(folded):
        name, value = found.groups()
        if name == b"content-length":
            lengths.append(value)
        elif name == b"connection" and value == b"keep-alive":
            cuts.append(found.span())
        else:
            return None
    if len(lengths) != 1 or _SIZE.fullmatch(lengths[0]) is None:
        return None
    size = int(lengths[0])
    if len(data) != end + size:
        return None
    return WholeResponse(int(match[1]), size, _without(data, cuts) if cuts else data)


def _without(data: bytes, spans: list[tuple[int, int]]) -> bytes:
    kept, at = [], 0
    for begin, end in spans:
        kept.append(data[at:begin])
        at = end
    return b"".join((*kept, data[at:]))
