"""Header templates: text in which `{{ KEY }}` stands for a credential."""

import re
from functools import lru_cache

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import check_credential_key

_REFERENCE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@lru_cache(maxsize=1024)
def parse_template(template: str) -> tuple[tuple[bytes, str], ...]:
    """(literal, key) pairs in order; the last key is empty when text follows it.

    The literal is in Latin-1. Raises VaultError bad_request for a key that is not UPPER_SNAKE_CASE,
    for braces without a partner, and for characters that a header cannot hold.
    """
    pieces = _REFERENCE.split(template)
    literals, keys = pieces[::2], [*pieces[1::2], ""]
    for key in keys[:-1]:
        check_credential_key(key, "credential key in a header template")
    parts = []
    for literal, key in zip(literals, keys, strict=True):
        if "{{" in literal or "}}" in literal:
            raise VaultError("bad_request", "header template has an unpaired {{ or }}")
        parts.append((_header_bytes(literal), key))
    return tuple(parts)


def template_keys(template: str) -> tuple[str, ...]:
    """The credential keys of a template, in order. Raises as `parse_template`."""
    return tuple(key for _, key in parse_template(template) if key)


def _header_bytes(literal: str) -> bytes:
    if any(character < " " and character != "\t" for character in literal) or "\x7f" in literal:
        raise VaultError("bad_request", "header template holds a control character")
    try:
        return literal.encode("latin-1")
    except UnicodeEncodeError:
        raise VaultError(
            "bad_request", "header template holds a character outside Latin-1"
        ) from None
