"""Placeholders in what a client sends after the head: a request's body, a WebSocket's text frames.

Each value is encoded for the text that it comes to stand in, so that it can't end the string or
parameter around it: URL-encoded in forms, escaped in JSON, elsewhere as it is and then without
line breaks and control characters. What is not read as text is left alone.
"""

import json
import re
from collections.abc import Sequence
from enum import Enum
from urllib.parse import quote_from_bytes

from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.placeholders import Encode, Placeholders, Replacing
from proxy_core.domain.secret_values import checked_value, invalid_value
from proxy_core.domain.service import Surface

_SOME_KEY = "for a placeholder"

FRAME_GROWTH = 4
"""A text frame may grow to so many times the largest that is read."""

_JSON_TYPE = re.compile(
    rb"(?:application|text)/(?:(?:x-)?json|(?:x-)?ndjson|(?:x-)?jsonl(?:ines)?|json-seq)|.*\+json"
)
_NOT_TEXT = re.compile(
    rb"""(?x) (?: multipart | image | audio | video | font | model ) / .*
    | application / (?: octet-stream | pdf | wasm | cbor | .*\+cbor | (?:x-|vnd\.)?msgpack
        | (?:x-)?(?: zip | gzip | bzip2? | xz | zstd | tar | 7z-compressed | rar-compressed )
        | .*\+(?: zip | gzip | zstd ) | (?:grpc|(?:x-|vnd\.google\.)?protobuf)\b.* )"""
)


class TextKind(Enum):
    """How a value has to be encoded to stand in a text."""

    FORM = "form"
    JSON = "json"
    PLAIN = "plain"


def body_kind(content_types: Sequence[bytes], content_codings: Sequence[bytes]) -> TextKind | None:
    """What a body is, by the values of its Content-Type and Content-Encoding fields.

    None: it is left alone, since it is compressed, in several parts, no text, or contradictory.
    """
    if any(coding.strip().lower() not in (b"", b"identity") for coding in content_codings):
        return None
    if len(content_types) > 1:
        return None
    media_type = content_types[0].split(b";")[0].strip().lower() if content_types else b""
    if media_type == b"application/x-www-form-urlencoded":
        return TextKind.FORM
    if _JSON_TYPE.fullmatch(media_type):
        return TextKind.JSON
    return None if _NOT_TEXT.fullmatch(media_type) else TextKind.PLAIN


def body_placeholders(
    substitutions: Sequence[SecretSubstitution], kind: TextKind
) -> Placeholders | None:
    """The BODY placeholders for a body of that kind; None without any."""
    return Placeholders(substitutions, Surface.BODY, _ENCODERS[kind]) or None


class FrameText:
    """The WEBSOCKET placeholders, for one text frame after the other. False without any."""

    def __init__(self, substitutions: Sequence[SecretSubstitution]) -> None:
        self._in_json = Placeholders(substitutions, Surface.WEBSOCKET, _for_json)
        self._in_text = Placeholders(substitutions, Surface.WEBSOCKET, _for_text_frame)

    def __bool__(self) -> bool:
        return bool(self._in_json)

    def replace(self, text: bytes, limit: int) -> bytes:
        """`text` itself when there is nothing to replace; at most `limit` bytes.

        What begins as a JSON object or array is taken for one.
        Raises VaultError: substitution_invalid, request_too_large.
        """
        if not self._in_json.occur_in(text):
            return text
        is_json = text.lstrip(b" \t\r\n").startswith((b"{", b"["))
        replacing = Replacing(self._in_json if is_json else self._in_text, limit)
        return replacing.feed(text) + replacing.finish()


def _for_form(value: bytes) -> bytes:
    return quote_from_bytes(value, safe="").encode("ascii")


def _for_json(value: bytes) -> bytes:
    return json.dumps(_decoded(value), ensure_ascii=False)[1:-1].encode()


def _for_text(value: bytes) -> bytes:
    return checked_value(_SOME_KEY, value)


def _for_text_frame(value: bytes) -> bytes:
    """Text frames are UTF-8 throughout."""
    return _for_text(_decoded(value).encode())


def _decoded(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    # Raised outside of the handler: a UnicodeError carries the value.
    if text is None:
        raise invalid_value(_SOME_KEY, "is no text in UTF-8")
    return text


_ENCODERS: dict[TextKind, Encode] = {
    TextKind.FORM: _for_form,
    TextKind.JSON: _for_json,
    TextKind.PLAIN: _for_text,
}
