"""The .env reader: what it accepts, what it refuses, and that it never guesses."""

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from vault_tui.cli.vaults.dotenv import parse_dotenv


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("K=plain", "plain"),
        ("K = spaced out  ", "spaced out"),
        ("export K=exported", "exported"),
        ("K=value # comment", "value"),
        ("K=pass#word", "pass#word"),
        ("K= # only a comment", ""),
        ("K=", ""),
        ("K='it is $HOME \\n'", "it is $HOME \\n"),
        ('K="a\\nb\\"c\\\\d\\$e"', 'a\nb"c\\d$e'),
        ("K='two\nlines' # comment", "two\nlines"),
        ('K="two\nlines"', "two\nlines"),
        ("K=$NOT_EXPANDED", "$NOT_EXPANDED"),
        ("\ufeffK=after a mark", "after a mark"),
        ("K=crlf\r\n", "crlf"),
        ("K=a=b==", "a=b=="),
    ],
)
def test_one_value(text: str, value: str) -> None:
    """Quotes, comments, export and line ends mean what they mean to a shell's reader."""
    assert parse_dotenv(text) == {"K": value}


def test_blank_lines_and_comments_are_skipped() -> None:
    """A file may be commented; the order of its keys is kept."""
    assert list(parse_dotenv("# head\n\nB=1\n   # indented\n\nA=2\n").items()) == [
        ("B", "1"),
        ("A", "2"),
    ]


def test_the_last_of_two_wins() -> None:
    """A key that is set twice takes the later value, as in a shell."""
    assert parse_dotenv("K=1\nK=2") == {"K": "2"}


@pytest.mark.parametrize(
    "text",
    [
        "K=1\nnot a pair",
        "K=1\nL='open",
        'K=1\nL="open',
        "K=1\nL='x' y",
        'K=1\nL="\\q"',
        "K=1\n1K=2",
    ],
)
def test_what_is_not_understood_is_refused_without_quoting_it(text: str) -> None:
    """The error names line 2 and shows nothing of it: it may be a secret."""
    with pytest.raises(VaultError) as refused:
        parse_dotenv(text)
    assert refused.value.code == "bad_request"
    assert "Line 2" in str(refused.value)
    assert "open" not in str(refused.value)


_KEYS = st.text(string.ascii_uppercase, min_size=1)


@given(st.dictionaries(_KEYS, st.text(st.characters(exclude_characters="'\r", codec="utf-8"))))
def test_single_quotes_carry_any_text(values: dict[str, str]) -> None:
    """Whatever holds no single quote comes through unchanged between them."""
    text = "\n".join(f"{key}='{value}'" for key, value in values.items())
    assert parse_dotenv(text) == values


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No input breaks the reader or makes it run for long."""
    with suppress(VaultError):
        assert all(isinstance(value, str) for value in parse_dotenv(text).values())
