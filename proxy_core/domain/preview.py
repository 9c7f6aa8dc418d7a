"""A few lines of a request's body for an operator's eyes, with what may be a secret left out.

It is a help to decide, not a record: it is kept while the request waits, and nowhere else.
"""

import re

MAX_PREVIEW = 600
"""Characters shown."""
MAX_LOOKED_AT = 4096
"""Bytes that are looked at."""
HIDDEN = "•••"

_TEXTUAL = re.compile(
    r"text/|application/(?:json|[\w.+-]+\+json|x-www-form-urlencoded|graphql|xml)"
)
_WORDS = "pass|secret|token|auth|credential|cookie|session|signature|api-?_?key|private"
_NAME = rf"[\w.-]*(?:{_WORDS})[\w.-]*"
_JSON_VALUE = re.compile(
    rf'("{_NAME}"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|$)|[^\s,}}\]"][^,}}\]]*)',
    re.IGNORECASE | re.DOTALL,
)
_FORM_VALUE = re.compile(rf"((?:^|[&?;\s]){_NAME}=)[^&\s;]+", re.IGNORECASE)
# Long runs without a space that mix letters and digits: keys and tokens, whatever their field.
_OPAQUE = re.compile(
    r"(?=[A-Za-z0-9_+/=.-]*[0-9])(?=[A-Za-z0-9_+/=.-]*[A-Za-z])[A-Za-z0-9_+/=.-]{24,}"
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[^\s\"',]+", re.IGNORECASE)


def body_preview(content_type: str, data: bytes) -> str:
    """The beginning of a body as text; a sentence for a body that is no text; empty without one.

    Values of fields that are named like secrets, and runs that look like keys, are replaced.
    """
    if not data:
        return ""
    kind = content_type.partition(";")[0].strip().lower()
    if not _TEXTUAL.match(kind):
        return f"{kind[:80] or 'unnamed content'}, not shown"
    text = data[:MAX_LOOKED_AT].decode("utf-8", "replace")
    if "\ufffd" in text[:-3]:
        return f"{kind[:80]} that is not UTF-8, not shown"
    text = _JSON_VALUE.sub(rf'\1"{HIDDEN}"', text)
    text = _FORM_VALUE.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1 {HIDDEN}", text)
    text = _OPAQUE.sub(HIDDEN, text)
    return text if len(text) <= MAX_PREVIEW else text[: MAX_PREVIEW - 1] + "…"
