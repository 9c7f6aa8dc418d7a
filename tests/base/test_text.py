"""Text from outside never steers the terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.text import ELLIPSIS, MAX_MARKS, display_safe

ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /repos/x?y=1", "GET /repos/x?y=1"),
        ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb\tc", r"a\x0d\x0ab\x09c"),
        ("\x7f", r"\x7f"),
        ("safe\u202egnp.exe", r"safe\u202egnp.exe"),
        ("a\u200bb\u2066c", r"a\u200bb\u2066c"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\u3164\u115f", r"\u3164\u115f"),
        ("a\u00a0b\u3000c", "a b c"),
        ("⚠\ufe0f naïve 日本", "⚠ naïve 日本"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    """Controls, bidi, zero-width, separators, surrogates and tags become visible."""
    assert display_safe(text) == shown


@given(ANY_TEXT)
def test_nothing_unprintable_is_left(text: str) -> None:
    """Whatever comes in, every character that comes out is printable and not a format control."""
    shown = display_safe(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(character)[0] == "C" for character in shown)
    shown.encode("utf-8")


@given(ANY_TEXT, st.one_of(st.none(), st.integers(0, 30)))
def test_applying_it_twice_changes_nothing_more(text: str, limit: int | None) -> None:
    """A text may pass through several layers that each make it safe."""
    once = display_safe(text, limit)
    assert display_safe(once, limit) == once


@given(ANY_TEXT, st.integers(0, 30))
def test_a_limit_holds_and_a_cut_shows(text: str, limit: int) -> None:
    """The result never exceeds the limit, and ends in an ellipsis exactly when it was cut."""
    whole, shown = display_safe(text), display_safe(text, limit)
    assert len(shown) <= limit
    if len(whole) <= limit:
        assert shown == whole
    elif limit:
        assert shown.endswith(ELLIPSIS)


def test_floods_of_combining_marks_are_bounded() -> None:
    """A thousand accents on one letter would cover the lines around it."""
    shown = display_safe("e" + "\u0301" * 1000 + "x")
    assert shown == "e" + "\u0301" * MAX_MARKS + "x"
