"""The search for secrets in text: every spelling, however it is cut, and nothing else."""

import itertools
import random
import time
from base64 import b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy_core.mitm.scrub import SHORTEST, Scrubber, Secret, compile_scrubber
from tests.mitm.scrub.oracle import (
    PLACEHOLDER,
    code_units,
    core,
    in_base64,
    json_text,
    percent,
    secrets,
    spellings,
)

SECRET = b"sk-live/4+Zq%20\\\"'x_~"
texts = st.binary(max_size=30) | st.text('ab%\\/"25u006+', max_size=20).map(str.encode)


def scrubber(*values: bytes) -> Scrubber:
    """Of up to three secrets."""
    marks = (PLACEHOLDER, b"__OTHER__", b"__THIRD__")
    found = compile_scrubber(
        Secret(mark, value) for mark, value in zip(marks, values, strict=False)
    )
    assert found is not None
    return found


def in_pieces(found: Scrubber, text: bytes, cuts: list[int]) -> bytes:
    """The text as it leaves when it comes cut at these places."""
    stream = found.stream()
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[begin:end] for begin, end in itertools.pairwise(places)]
    return b"".join(map(stream.feed, pieces)) + stream.flush()


@pytest.mark.parametrize("kind", spellings(SECRET))
def test_each_spelling_is_replaced_whole(kind: str) -> None:
    """Whatever stands around it stays, byte for byte."""
    text = b"<" + spellings(SECRET)[kind] + b">"
    assert scrubber(SECRET).whole(text) == b"<" + PLACEHOLDER + b">"


@pytest.mark.parametrize("before", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", in_base64(SECRET, b"", b""))
def test_base64_is_replaced_at_each_alignment(kind: str, before: int) -> None:
    """Also percent-encoded and in JSON; what its neighbours share in characters stays."""
    text = in_base64(SECRET, b"\xff" * before, b"\xff" * 3)[kind]
    scrubbed = scrubber(SECRET).whole(text)
    assert PLACEHOLDER in scrubbed
    assert core(SECRET, before % 3) not in scrubbed


@given(secrets, st.data())
def test_a_mixture_of_spellings_is_one_secret(value: bytes, data: st.DataObject) -> None:
    """Each character may be written in its own way."""
    ways = [lambda one: one, percent, lambda one: code_units(one, False)]
    written = b"".join(
        data.draw(st.sampled_from(ways))(character.encode()) for character in value.decode()
    )
    assert scrubber(value).whole(written) == PLACEHOLDER


@given(secrets)
def test_no_spelling_survives(value: bytes) -> None:
    """For any secret, between any neighbours that are no part of it."""
    found = scrubber(value)
    for kind, written in spellings(value).items():
        assert found.whole(b"\n" + written + b"\n") == b"\n" + PLACEHOLDER + b"\n", kind
    for before in (b"", b"\0", b"\0\0"):
        for kind, written in in_base64(value, before, b"\0").items():
            scrubbed = found.whole(written)
            assert PLACEHOLDER in scrubbed, kind
            assert core(value, len(before)) not in scrubbed, kind


@given(st.data(), st.lists(st.integers(0, 10_000), max_size=30))
def test_cutting_changes_nothing(data: st.DataObject, cuts: list[int]) -> None:
    """Any pieces give what one piece gives, for secrets that overlap and texts that tease."""
    values = data.draw(st.lists(secrets, min_size=1, max_size=3, unique=True))
    parts = [
        st.sampled_from([*spellings(value).values(), *in_base64(value, b"?>", b"~~").values()])
        for value in values
    ]
    cut_off = [
        st.builds(lambda text, size: text[:size], part, st.integers(0, 60)) for part in parts
    ]
    text = b"".join(data.draw(st.lists(st.one_of(texts, *parts, *cut_off), max_size=8)))
    found = scrubber(*values)
    whole = found.whole(text)
    assert in_pieces(found, text, cuts) == whole
    assert in_pieces(found, text, list(range(len(text)))) == whole


@given(st.lists(secrets, min_size=1, max_size=3), st.binary(max_size=200))
def test_text_without_a_secret_is_the_same_object(values: list[bytes], text: bytes) -> None:
    """Nothing is copied or changed where nothing was found."""
    found = scrubber(*values)
    scrubbed = found.whole(text)
    assume(PLACEHOLDER not in scrubbed)
    assert scrubbed == text
    if b"__OTHER__" not in scrubbed and b"__THIRD__" not in scrubbed:
        assert scrubbed is text


@given(secrets, st.binary(max_size=60))
def test_only_the_beginning_of_a_secret_is_held_back(value: bytes, text: bytes) -> None:
    """What leaves and what is held is the whole text, and the rest could become a secret."""
    stream = scrubber(value).stream()
    out = stream.feed(text)
    held = stream.flush()
    if PLACEHOLDER not in out + held:
        assert out + held == text
    if held:
        starts = {value[:1], core(value, 0)[:1], core(value, 1)[:1], core(value, 2)[:1]}
        starts |= {value.decode()[0].encode("latin-1", "ignore")[:1] or value[:1]}
        assert held[:1] in starts | {b"%", b"\\", b"+", b"-", b"_"}


teasers = st.lists(
    st.sampled_from(
        [b"%", b"%2", b"%25", b"\\", b"\\u", b"\\U", b"\\u0", b"\\u00", b"\\u002", b"25"]
    )
    | st.text('0123456789abcdefABCDEFuU/"', max_size=9).map(str.encode),
    max_size=6,
).map(b"".join)
hex_secrets = st.text("0123456789abcdefuU%\\/", min_size=6, max_size=40).map(str.encode)


@given(secrets | hex_secrets, st.lists(teasers, min_size=2, max_size=4), st.data())
def test_nothing_hides_a_secret_from_the_first_look(
    value: bytes, around: list[bytes], data: st.DataObject
) -> None:
    """Where an escape seems to begin right before it, too: the exact search alone says the same."""
    found, exact = scrubber(value), scrubber(value)
    exact._may_hold = lambda data: True  # type: ignore[method-assign] # looks at all there is
    ways = [lambda one: one, percent, lambda one: code_units(one, False)]
    mixed = b"".join(data.draw(st.sampled_from(ways))(one.encode()) for one in value.decode())
    written = [mixed, *spellings(value).values(), *in_base64(value, b"?>", b"~").values()]
    text = b"".join(before + data.draw(st.sampled_from(written)) for before in around)
    assert found.whole(text) == exact.whole(text)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"sk-live", b"".join(b"%%252525%02x" % byte for byte in b"sk-live")),
        (b"sk-live", b"\\" + percent(b"sk-live")),
        (b"sk-live", b"%" + percent(b"sk-live")),
        (b"sk-live", b"\\u00" + code_units(b"sk-live", False)),
        (b"252525410123456789" * 2, b"\\U00000025" + b"252525410123456789" * 2),
        (b"user-name", b"\\" + b"user%2dname"),
        (b"abcdef/user", b"%abcdef\\/\\u0075ser"),
    ],
)
def test_a_secret_right_behind_what_seems_to_begin_an_escape(value: bytes, written: bytes) -> None:
    """Neither it nor deep nesting hides the secret, also where other escapes stand before."""
    for before in (b"", b"\\u0061 %41 "):
        assert scrubber(value).whole(before + written + b" ").endswith(PLACEHOLDER + b" ")


@pytest.mark.parametrize("kind", spellings(SECRET))
def test_a_secret_across_the_windows_of_the_exact_search(kind: str) -> None:
    """It is found at any place in a long text, next to others."""
    written = spellings(SECRET)[kind]
    for before in (4000, 4080, 4096, 9000):
        text = written + b"\n" * before + written + b"." * 5000 + written
        expected = PLACEHOLDER + b"\n" * before + PLACEHOLDER + b"." * 5000 + PLACEHOLDER
        assert scrubber(SECRET).whole(text) == expected


def test_an_event_leaves_at_once() -> None:
    """A line break ends whatever could have been a secret's beginning."""
    stream = scrubber(SECRET).stream()
    for event in (b"data: sk-live/\n\n", b'data: {"a": "%73k\\\\"}\n\n', b": ping\n\n"):
        assert stream.feed(event) == event


def test_a_secret_in_one_byte_pieces_is_never_shown() -> None:
    """Not one byte of it leaves before all of it was replaced."""
    stream = scrubber(SECRET).stream()
    outs = [stream.feed(SECRET[at : at + 1]) for at in range(len(SECRET) - 1)]
    assert b"".join(outs) == b""
    assert stream.feed(SECRET[-1:] + b".") == PLACEHOLDER + b"."


def test_the_longer_of_two_secrets_that_begin_alike_wins() -> None:
    """Wherever the pieces end, and the shorter one is still found alone."""
    found = scrubber(b"abcdef", b"abcdefghi")
    for text, expected in (
        (b"abcdefghi abcdefgh", b"__OTHER__ __KEY__gh"),
        (b"abcabcdefghabcdefghi", b"abc__KEY__gh__OTHER__"),
    ):
        assert found.whole(text) == expected
        assert in_pieces(found, text, list(range(len(text)))) == expected


def test_what_replaces_a_secret_is_not_searched_again() -> None:
    """A placeholder that holds another secret stays as it is."""
    found = compile_scrubber([Secret(b"__abcdef__", b"ghijkl"), Secret(b"__B__", b"abcdef")])
    assert found is not None
    assert found.whole(b"ghijkl abcdef") == b"__abcdef__ __B__"


def test_a_value_beyond_ascii_is_found_as_it_stands_in_a_header() -> None:
    """In Latin-1, and in base64 of Latin-1, beside UTF-8."""
    text = "pässwörd"
    found = scrubber(text.encode())
    for raw in (text.encode(), text.encode("latin-1")):
        assert found.whole(b"=" + raw) == b"=" + PLACEHOLDER
        assert PLACEHOLDER in found.whole(b64encode(b"u:" + raw))
    assert found.whole(json_text(text.encode(), ascii_only=True)) == PLACEHOLDER


@pytest.mark.parametrize("value", [b"", b"a", b"12345"])
def test_short_secrets_are_left_alone(value: bytes) -> None:
    """Ordinary text would match them."""
    assert len(value) < SHORTEST
    assert compile_scrubber([Secret(PLACEHOLDER, value)]) is None


def test_no_secret_in_a_repr() -> None:
    """Neither of the pattern's source nor of what was compiled."""
    assert "abcdef" not in repr(Secret(PLACEHOLDER, b"abcdef"))
    assert "abcdef" not in repr(scrubber(b"abcdef"))


@pytest.mark.parametrize(
    "text",
    [b"\\" * 200_000, b"%25" * 70_000, b"a" * 200_000, b"%61" * 70_000, b"\\u0061" * 30_000],
    ids=["backslashes", "percents", "letters", "escaped letters", "codes"],
)
def test_hostile_text_costs_little(text: bytes) -> None:
    """What an upstream sends to waste time is searched in time that grows with its size alone."""
    found = scrubber(b"aaaaaaaaab", b"%25%25%25%2", b'pass\\word"/\\')
    begun = time.process_time()
    found.stream().feed(text)
    assert time.process_time() - begun < 5


def test_a_large_secret_in_small_pieces() -> None:
    """A key file of many kilobytes, cut anywhere."""
    value = random.Random(1).randbytes(3000).hex().encode()
    text = b"x" + value + b"y" + json_text(value, ascii_only=True) + value[:-1]
    found = scrubber(value)
    expected = b"x" + PLACEHOLDER + b"y" + PLACEHOLDER + value[:-1]
    assert found.whole(text) == expected
    assert in_pieces(found, text, list(range(0, len(text), 7))) == expected


def test_escapes_of_characters_that_no_secret_has_pass() -> None:
    """In every form, next to those that one has."""
    text = b'\\u0031\\u0061%41%7e\\/\\"\\n%2561\\u00e9\\ud83d\\ude00'
    assert scrubber(b"0000000").whole(text) is text
