"""Which model a request asks for, and which conversation it belongs to.

A conversation keeps its account, so that the provider's prompt cache stays warm. Its name is the
client's own word: it is cut to a digest where it is long, and never shown.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

CONVERSATION_HEADERS = (
    b"x-claude-code-session-id",
    b"session-id",
    b"session_id",
    b"x-session-id",
)
"""Folded names, the first one present wins; the body's session stands after the first of them."""
_LONGEST = 128
_SESSION_IN_USER_ID = re.compile(r"_session_([0-9A-Za-z-]{8,64})\Z", re.ASCII)


class BodyDetails(NamedTuple):
    """Empty texts for what the body does not tell."""

    model: str = ""
    conversation: str = ""


class _Metadata(msgspec.Struct):
    user_id: msgspec.Raw = msgspec.Raw(b"")


class _Body(msgspec.Struct):
    model: msgspec.Raw = msgspec.Raw(b"")
    metadata: msgspec.Raw = msgspec.Raw(b"")


class _Session(msgspec.Struct):
    session_id: str = ""


def read_body(body: bytes | memoryview) -> BodyDetails:
    """Model and conversation of a JSON body; whatever is not as expected counts as left out."""
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, RecursionError):
        return BodyDetails()
    return BodyDetails(_text(found.model)[:_LONGEST], _session(_user_id(found.metadata)))


def conversation_of(headers: Sequence[tuple[bytes, bytes]], in_body: str) -> str:
    """The conversation that a request names, empty when it names none."""
    named: dict[bytes, str] = {}
    for name, value in headers:
        key = name.lower()
        if key in CONVERSATION_HEADERS and value:
            named.setdefault(key, _short(value.decode("latin-1")))
    first, *others = CONVERSATION_HEADERS
    candidates = (named.get(first), in_body, *map(named.get, others))
    return next((name for name in candidates if name), "")


def _text(raw: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        return ""


def _user_id(raw: msgspec.Raw) -> str:
    try:
        return _text(msgspec.json.decode(raw, type=_Metadata).user_id)
    except msgspec.DecodeError:
        return ""


def _session(user_id: str) -> str:
    """`user_…_account_…_session_UUID`, or a JSON text with `session_id`."""
    if found := _SESSION_IN_USER_ID.search(user_id):
        return found[1]
    if not user_id.startswith("{"):
        return ""
    try:
        return _short(msgspec.json.decode(user_id, type=_Session).session_id)
    except (msgspec.DecodeError, RecursionError):
        return ""


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    return hashlib.sha256(name.encode()).hexdigest()
