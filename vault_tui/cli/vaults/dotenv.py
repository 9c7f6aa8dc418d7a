"""Reads `.env` files as credentials, strictly: a line not understood is an error, not a guess.

    # comment                    export KEY=value # comment
    KEY=plain value              trailing spaces go; ` #` starts a comment
    KEY='exactly $this\\n'       single quotes: nothing is special, may span lines
    KEY="a\\nb \\"c\\" \\\\ \\$"     double quotes: \\n \\r \\t \\" \\\\ \\$ \\`, may span lines
    KEY=                         empty

`$NAME` is not expanded: a credential that holds a dollar sign must come through unchanged. A key
that appears twice takes the last value, as shells do. Errors name the line and never quote it.
"""

import re

from proxy_core.base.errors import VaultError

_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_UNQUOTED = re.compile(r"([^\n]*?)(?:[ \t]+#[^\n]*|[ \t]*)(?:\n|\Z)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$", "`": "`"}


def parse_dotenv(text: str) -> dict[str, str]:
    """The file's keys and values, in order. Raises VaultError bad_request naming the line."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values: dict[str, str] = {}
    position = 0
    while position < len(text):
        if blank := _BLANK.match(text, position):
            position = blank.end()
            continue
        key = _KEY.match(text, position)
        if key is None:
            raise _refused(text, position, "is not KEY=VALUE")
        value, position = _value(text, key.end())
        # A repeated key moves to the end, so that the order is the order of the last settings.
        values.pop(key[1], None)
        values[key[1]] = value
    return values


def _value(text: str, start: int) -> tuple[str, int]:
    quote = text[start : start + 1]
    if quote not in {'"', "'"}:
        plain = _UNQUOTED.match(text, start)
        assert plain is not None  # matches any line, the empty one included
        # `KEY= # comment`: the blank before the comment was taken by the key's pattern.
        return ("" if plain[1].startswith("#") else plain[1]), plain.end()
    found = (_DOUBLE if quote == '"' else _SINGLE).match(text, start)
    if found is None:
        raise _refused(text, start, "has a quote that is not closed")
    end = _BLANK.match(text, found.end())
    if end is None:
        raise _refused(text, found.end(), "has text after the closing quote")
    raw = found[1]
    return (_unescaped(text, start, raw) if quote == '"' else raw), end.end()


def _unescaped(text: str, start: int, raw: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise _refused(text, start, 'has an escape other than \\n \\r \\t \\" \\\\ \\$ \\`')
        return _ESCAPES[match[1]]

    return re.sub(r"\\(.)", replace, raw, flags=re.DOTALL)


def _refused(text: str, position: int, why: str) -> VaultError:
    line = text.count("\n", 0, position) + 1
    return VaultError("bad_request", f"Line {line} {why}; nothing was imported.")
