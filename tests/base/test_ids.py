"""Tokens and ids."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from proxy_core.base import ids


def test_a_token_is_its_prefix_and_256_bits_in_hex() -> None:
    """Two tokens never agree, and the kind can be told from the prefix."""
    tokens = {ids.new_token(ids.AGENT_PREFIX) for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch(r"vt_agt_[0-9a-f]{64}", token) for token in tokens)


def test_a_token_is_known_by_the_sha256_of_its_bytes() -> None:
    """The text and the bytes of a token have one digest; odd text has one too."""
    assert ids.token_sha256("vt_agt_00") == hashlib.sha256(b"vt_agt_00").digest()
    assert ids.token_sha256("vt_agt_00") == ids.token_sha256(b"vt_agt_00")
    assert len(ids.token_sha256("\ud800")) == 32


def test_ids_sort_in_the_order_of_their_making() -> None:
    """Thousands in one millisecond still grow."""
    made = [ids.new_id() for _ in range(5000)]
    assert all(re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", one) for one in made)
    assert all(earlier < later for earlier, later in pairwise(made))


def test_ids_grow_when_the_clock_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that steps back by a year does not reorder what is made next."""
    before = ids.new_id()
    monkeypatch.setattr(ids.time, "time", lambda: 1_000_000.0)
    assert before < ids.new_id() < ids.new_id()


def test_ids_grow_when_more_are_made_than_count_behind_one_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock that stands still for longer than the count reaches goes on all the same."""
    monkeypatch.setattr(ids, "_LAST", 3)
    monkeypatch.setattr(ids.time, "time", lambda: 1_000_000_000.0)
    source = ids._IdSource()
    made = [source.next() for _ in range(10)]
    assert all(earlier < later for earlier, later in pairwise(made))


def test_ids_of_two_processes_differ_in_their_random_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two sources at the same moment share the time alone; so do two seconds of one source."""
    monkeypatch.setattr(ids.time, "time", lambda: 1_000_000_000.0)
    source = ids._IdSource()
    first, other = source.next(), ids._IdSource().next()
    assert (first[:10], first[-4:]) == (other[:10], other[-4:])
    monkeypatch.setattr(ids.time, "time", lambda: 1_000_000_002.0)
    assert len({first[10:-4], other[10:-4], source.next()[10:-4]}) == 3


def test_threads_never_share_an_id() -> None:
    """The store's threads and the loop make ids at once."""
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new_id(), range(4000)))
    assert len(set(made)) == 4000
