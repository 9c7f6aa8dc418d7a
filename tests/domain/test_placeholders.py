"""Placeholders in a text that comes in pieces."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.placeholders import Placeholders, Replacing
from proxy_core.domain.service import Surface

BODY = frozenset({Surface.BODY})
VALUES = {b"__a__": b"one", b"__a__b": b"__c__", b"__c__": b"", b"~a~": b"a longer value"}


def shouted(value: bytes) -> bytes:
    """An encoding that shows."""
    return value.upper()


def placeholders(values: dict[bytes, bytes]) -> Placeholders:
    """These on the body."""
    items = [SecretSubstitution(name, value, BODY) for name, value in values.items()]
    return Placeholders(items, Surface.BODY, shouted)


def in_pieces(pieces: list[bytes], limit: int = 10_000) -> bytes:
    """What comes out for all of them."""
    replacing = Replacing(placeholders(VALUES), limit)
    return b"".join([*map(replacing.feed, pieces), replacing.finish()])


def at_once(text: bytes) -> bytes:
    """The rule, told plainly: leftmost, longest, once."""
    names = sorted(VALUES, key=len, reverse=True)
    return re.sub(b"|".join(names), lambda found: VALUES[found[0]].upper(), text)


fragments = st.lists(st.sampled_from([*VALUES, b"__a", b"_", b"a", b"~", b"\x00\xff"]), max_size=12)


@given(fragments, st.lists(st.integers(0, 40), max_size=6))
def test_where_a_text_is_cut_makes_no_difference(parts: list[bytes], cuts: list[int]) -> None:
    """Any text in any pieces: the same as in one, and as the plain rule says."""
    text = b"".join(parts)
    marks = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(marks)]
    assert in_pieces(pieces) == at_once(text)


def test_no_more_is_held_back_than_could_begin_a_placeholder() -> None:
    """Seven characters at most while the longest placeholder has eight."""
    replacing = Replacing(placeholders({b"__12345_": b"x"}), 1000)
    assert replacing.feed(b"a" * 100) == b"a" * 93


@pytest.mark.parametrize(("limit", "fits"), [(13, True), (12, False)])
def test_the_result_is_bounded(limit: int, fits: bool) -> None:
    """To the byte, however it is cut."""
    for pieces in ([b"x__a__yy__a__zzzz"], [b"x__a", b"__yy__a__z", b"zzz"]):
        if fits:
            assert in_pieces(pieces, limit) == b"xONEyyONEzzzz"
            continue
        with pytest.raises(VaultError) as caught:
            in_pieces(pieces, limit)
        assert caught.value.code == "request_too_large"


def test_a_bound_without_placeholders() -> None:
    """It counts for what only passes as well."""
    assert in_pieces([b"x" * 10], 10) == b"x" * 10
    with pytest.raises(VaultError):
        in_pieces([b"x" * 11], 10)


def test_many_mentions_of_a_long_secret_are_not_built() -> None:
    """A megabyte of placeholders for 64 KiB each would be 13 gigabytes."""
    replacing = Replacing(placeholders({b"__k__": b"v" * 65536}), 1 << 20)
    with pytest.raises(VaultError) as caught:
        replacing.feed(b"__k__" * 200_000)
    assert caught.value.code == "request_too_large"


def test_none_of_the_surface() -> None:
    """Placeholders of other surfaces are none here."""
    item = SecretSubstitution(b"__k__", b"v", frozenset({Surface.QUERY}))
    assert not Placeholders([item], Surface.BODY, shouted)
    assert Placeholders([item], Surface.QUERY, shouted)
