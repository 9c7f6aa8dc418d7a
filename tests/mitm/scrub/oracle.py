"""Ways to write a secret, made apart from the code under test, and what they may be cut into."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

from hypothesis import strategies as st

PLACEHOLDER = b"__KEY__"

secrets = st.one_of(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=6, max_size=40),
    st.text(st.sampled_from('ab%\\/"25u006'), min_size=6, max_size=12),
    st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=6, max_size=20),
).map(str.encode)


def percent(value: bytes, upper: bool = True) -> bytes:
    """Every byte escaped."""
    text = "".join(f"%{byte:02x}" for byte in value)
    return (re.sub("[a-f]", lambda found: found[0].upper(), text) if upper else text).encode()


def code_units(value: bytes, upper: bool) -> bytes:
    """Every UTF-16 code as a JSON escape."""
    utf16 = value.decode().encode("utf-16-be")
    digits = "04X" if upper else "04x"
    units = (int.from_bytes(utf16[at : at + 2]) for at in range(0, len(utf16), 2))
    return "".join(f"\\u{unit:{digits}}" for unit in units).encode()


def json_text(value: bytes, *, ascii_only: bool, times: int = 1) -> bytes:
    """As a JSON string, or as one within JSON strings, without the outer quotes."""
    text = value.decode()
    for _ in range(times):
        text = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    return text.encode()


def spellings(value: bytes) -> dict[str, bytes]:
    """Whole texts that hold nothing but the secret."""
    escaped_slash = json_text(value, ascii_only=True).replace(b"/", b"\\/")
    return {
        "plain": value,
        "percent, all": percent(value),
        "percent, lower case": percent(value, upper=False),
        "percent, as needed": quote(value, safe="").encode(),
        "percent, but /": quote(value).encode(),
        "percent, twice": quote(quote(value, safe=""), safe="").encode(),
        "form": quote(value, safe="").replace("%20", "+").encode(),
        "json": json_text(value, ascii_only=True),
        "json, unicode": json_text(value, ascii_only=False),
        "json, escaped slash": escaped_slash,
        "json in json": json_text(value, ascii_only=True, times=2),
        "json in json in json": json_text(value, ascii_only=True, times=3),
        "json codes": code_units(value, upper=False),
        "json codes, upper case": code_units(value, upper=True),
        "json codes in json": code_units(value, upper=False).replace(b"\\", b"\\\\"),
    }


def in_base64(value: bytes, before: bytes, after: bytes) -> dict[str, bytes]:
    """Base64 of something that holds the secret."""
    raw = before + value + after
    standard, url = b64encode(raw), urlsafe_b64encode(raw)
    return {
        "standard": standard,
        "url": url,
        "standard, percent": quote(standard, safe="").encode(),
        "standard in json": standard.replace(b"/", b"\\/"),
        "standard in json codes": standard.replace(b"+", b"\\u002B").replace(b"/", b"\\u002f"),
    }


def core(value: bytes, before: int) -> bytes:
    """The characters of standard base64 that tell of the secret alone, after so many bytes."""
    encoded = b64encode(b"\0" * before + value)
    first = (before * 8 + 5) // 6
    return encoded[first : (before + len(value)) * 8 // 6]
