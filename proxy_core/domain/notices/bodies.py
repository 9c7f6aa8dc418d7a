"""How a notice is written for its receiver.

Rules of the Slack form, which others (Mattermost, Discord, Rocket.Chat) take as well:
- `&`, `<` and `>` are escaped as Slack says: without them there are no links, and no `<!channel>`.
- What is not ours to say never mentions anybody nor links anywhere: an invisible character follows
  `@`, parts `](` of a Markdown link, and `:` from `//`.
- The only link is the address where a person decides.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from proxy_core.domain.notices.notice import Notice

_BREAK: Final = "\u200b"
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": f"@{_BREAK}"})
_LINK_WORD: Final = "Decide"


class Format(StrEnum):
    """What a receiver takes."""

    JSON = "json"
    SLACK = "slack"


def body_of(notice: Notice, format: Format) -> bytes:
    """The body of the request that tells it; UTF-8 JSON."""
    return _WRITERS[format](notice)


def _slack(notice: Notice) -> bytes:
    text = _inert(notice.summary)
    if notice.url:
        text += f"\n<{_inert_url(notice.url)}|{_LINK_WORD}>"
    return msgspec.json.encode({"text": text})


def _inert(text: str) -> str:
    escaped = text.translate(_ESCAPES)
    return escaped.replace("](", f"]{_BREAK}(").replace("://", f":{_BREAK}//")


def _inert_url(url: str) -> str:
    """An address of ours, so that nothing in it ends the link."""
    return url.replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace("&", "&amp;")


_WRITERS: Final[Mapping[Format, Callable[[Notice], bytes]]] = {
    Format.JSON: msgspec.json.encode,
    Format.SLACK: _slack,
}
