"""Substitution: wherever a value is put, the text around it means what it meant before."""

import json
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.placeholders import Replacing
from proxy_core.domain.service import Surface
from proxy_core.domain.substitution import (
    substitute_header_value,
    substitute_path,
    substitute_query,
)
from proxy_core.domain.target import check_path
from proxy_core.domain.text_substitution import FrameText, TextKind, body_placeholders
from tests.fuzz.inputs import Input, outcome

_LIMIT = 4096
_EVERYWHERE = frozenset(Surface)
_CONTROLS = frozenset([*range(9), *range(10, 32), 127])


def check(data: bytes) -> None:
    """For two values and one text, on every surface."""
    given = Input(data)
    values = {b"__k__": unquote_to_bytes(given.line()), b"__k__~2": unquote_to_bytes(given.line())}
    found = [SecretSubstitution(name, value, _EVERYWHERE) for name, value in values.items()]
    _check_path(given.rest, found, values)
    _check_query(given.rest, found, values)
    _check_header(given.rest, found)
    for kind in TextKind:
        _check_body(given, found, kind)
    _check_json(given.rest, found, values)
    _check_frame(given.rest, found)


def _named(text: bytes, values: dict[bytes, bytes]) -> bytes:
    """`text` with its placeholders replaced, told plainly: leftmost, longest first, once."""
    out, at = b"", 0
    while at < len(text):
        name = next((n for n in (b"__k__~2", b"__k__") if text.startswith(n, at)), b"")
        out += values[name] if name else text[at : at + 1]
        at += len(name) or 1
    return out


def _check_path(text: bytes, found: list[SecretSubstitution], values: dict[bytes, bytes]) -> None:
    path = b"/" + text
    try:
        check_path(path.decode("latin-1"))
        sent = substitute_path(path, found)
    except VaultError:
        return
    check_path(sent.decode("ascii"))
    before, after = path.split(b"/"), sent.split(b"/")
    assert len(before) == len(after), "a value made a segment"
    for segment, written in zip(before, after, strict=True):
        parts = _named(segment, {name: _percent(value) for name, value in values.items()})
        assert unquote_to_bytes(written) == unquote_to_bytes(parts)


def _check_query(text: bytes, found: list[SecretSubstitution], values: dict[bytes, bytes]) -> None:
    try:
        sent = substitute_query(text, found)
    except VaultError:
        return
    assert sent == _named(text, {name: _percent(value) for name, value in values.items()})


def _percent(value: bytes) -> bytes:
    plain = b"-._~"
    return b"".join(
        bytes((byte,)) if bytes((byte,)).isalnum() or byte in plain else b"%%%02X" % byte
        for byte in value
    )


def _check_header(text: bytes, found: list[SecretSubstitution]) -> None:
    if set(text) & _CONTROLS:
        return
    try:
        sent = substitute_header_value(text, found)
    except VaultError:
        return
    assert not set(sent) & _CONTROLS, "a value made a line"


def _check_body(given: Input, found: list[SecretSubstitution], kind: TextKind) -> None:
    def replaced(pieces: Iterator[bytes]) -> Iterator[bytes]:
        placeholders = body_placeholders(found, kind)
        assert placeholders is not None
        replacing = Replacing(placeholders, _LIMIT)
        for piece in pieces:
            yield replacing.feed(piece)
        yield replacing.finish()

    whole, code = outcome(lambda: replaced(iter([given.rest])))
    cut, cut_code = outcome(lambda: replaced(given.pieces(given.rest)))
    assert code == cut_code
    assert max(len(whole), len(cut)) <= _LIMIT
    if not code:
        assert cut == whole
        if b"__k__" not in given.rest:
            assert whole == given.rest


def _check_json(text: bytes, found: list[SecretSubstitution], values: dict[bytes, bytes]) -> None:
    """A document stays the document that it was, with values in its strings."""
    placeholders = body_placeholders(found, TextKind.JSON)
    assert placeholders is not None
    try:
        before = json.loads(text)
        replacing = Replacing(placeholders, _LIMIT)
        after = json.loads(replacing.feed(text) + replacing.finish())
    except VaultError:
        return
    except (ValueError, RecursionError):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return
        raise
    assert _shape(before) == _shape(after), "a value changed the document"


def _shape(document: object) -> object:
    if isinstance(document, dict):
        return [_shape(each) for each in document.values()]
    if isinstance(document, list):
        return [_shape(each) for each in document]
    return type(document)


def _check_frame(text: bytes, found: list[SecretSubstitution]) -> None:
    try:
        sent = FrameText(found).replace(text, _LIMIT)
    except VaultError:
        return
    if b"__k__" not in text:
        assert sent is text
    # JSON lets DEL stand in a string as it is; what is no JSON must not have it.
    controls = _CONTROLS - {127} if text.lstrip()[:1] in (b"{", b"[") else _CONTROLS
    if not set(text) & _CONTROLS:
        assert not set(sent) & controls
