"""The chain: whatever is altered in it is found, at the entry where it was altered."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain import audit
from proxy_core.domain.audit import GENESIS, Deed, Link, Origin
from proxy_core.domain.audit_check import Check, Ends, Noted

KEY = bytes(range(32))
Stored = tuple[Link, dict[str, Any]]

texts = st.text(max_size=12)
values = st.dictionaries(
    texts, st.one_of(texts, st.integers(), st.booleans(), st.none(), st.lists(texts)), max_size=3
)
origins = st.builds(Origin, kind=texts, name=texts, id=texts, source=values, route=texts)
deeds = st.builds(
    Deed, action=texts, target=texts, vault_id=texts, vault=texts, before=values, after=values
)
said = st.lists(st.tuples(st.floats(0, 2e9), origins, deeds, st.booleans()), max_size=6)


def chain(entries: Sequence[tuple[float, Origin, Deed, bool]]) -> list[Stored]:
    """The rows that appending these makes; the last of the four: whether the vault was open."""
    rows: list[Stored] = []
    previous = GENESIS
    for seq, (at, origin, deed, is_open) in enumerate(entries, 1):
        text = audit.entry_text(at, origin, deed)
        previous = audit.hash_of(previous, seq, text)
        seal = audit.seal_of(KEY, previous) if is_open else b""
        columns = {
            "at": at,
            "vault_id": deed.vault_id,
            "vault": deed.vault,
            "actor_kind": origin.kind,
            "actor_name": origin.name,
            "action": deed.action,
        }
        rows.append((Link(seq, text, previous, seal), columns))
    return rows


def checked(
    rows: Sequence[Stored], ends: Ends, key: bytes | None = KEY, noted: Noted | None = None
) -> Check:
    """The chain, walked."""
    check = Check(ends, key, noted)
    if not check.fault:
        for link, columns in rows:
            if not check.take(link, columns):
                break
    check.end()
    return check


def ends_of(rows: Sequence[Stored]) -> Ends:
    """The head of a chain from its beginning."""
    last = rows[-1][0] if rows else Link(0, "", GENESIS)
    return Ends(last.seq, last.hash, 0, GENESIS, b"")


THREE = chain(
    [
        (1.5, Origin("operator", "ada"), Deed("credential.set", "KEY", "v1", "default"), True),
        (2.5, Origin("worker"), Deed("vault.sealed"), False),
        (3.5, Origin("peer", "ada"), Deed("vault.unsealed", "password"), True),
    ]
)


@given(said)
def test_a_chain_as_it_was_written_verifies(
    entries: list[tuple[float, Origin, Deed, bool]],
) -> None:
    """Whatever the entries say, in whatever characters."""
    rows = chain(entries)
    found = checked(rows, ends_of(rows), key=KEY if any(entry[3] for entry in entries) else None)
    assert (found.fault, found.count) == ("", len(entries))


@given(said.filter(bool), st.data())
def test_any_flipped_bit_is_found(
    entries: list[tuple[float, Origin, Deed, bool]], data: st.DataObject
) -> None:
    """In the text, in the hash or in the seal, of any entry."""
    rows = chain(entries)
    place = data.draw(st.integers(0, len(rows) - 1))
    link, columns = rows[place]
    which = data.draw(st.sampled_from(["text", "hash", "seal"] if link.seal else ["text", "hash"]))
    raw = bytearray(link.text.encode() if which == "text" else getattr(link, which))
    # The lowest seven bits, so that text stays ASCII as it is stored.
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    altered: Any = raw.decode("ascii") if which == "text" else bytes(raw)
    rows[place] = replace(link, **{which: altered}), columns
    found = checked(rows, ends_of(chain(entries)))
    assert found.fault_seq == link.seq


@given(said.filter(lambda entries: len(entries) > 1), st.data())
def test_removed_and_moved_entries_are_found(
    entries: list[tuple[float, Origin, Deed, bool]], data: st.DataObject
) -> None:
    """A gap is named by its first number; two that changed places by the first of them."""
    rows = chain(entries)
    place = data.draw(st.integers(0, len(rows) - 2))
    removed = [*rows[:place], *rows[place + 1 :]]
    assert checked(removed, ends_of(rows)).fault_seq == place + 1
    (first, one), (second, other) = rows[place], rows[place + 1]
    swapped = [*rows]
    swapped[place] = (replace(second, seq=first.seq), other)
    swapped[place + 1] = (replace(first, seq=second.seq), one)
    assert checked(swapped, ends_of(rows)).fault_seq == place + 1


def test_a_tail_that_was_cut_off_is_found() -> None:
    """The head still says how many there were."""
    found = checked(THREE[:2], ends_of(THREE))
    assert found.fault == "The audit ends at entry 2, but 3 were written."


def test_a_head_that_was_noted_shows_what_the_database_cannot() -> None:
    """Cut off together with the head, and forged from there on: the note still tells."""
    link = THREE[2][0]
    noted = Noted(3, link.hash)
    assert checked(THREE, ends_of(THREE), noted=noted).fault == ""
    cut = checked(THREE[:2], ends_of(THREE[:2]), noted=noted)
    assert cut.fault == "The audit ends at entry 2, before the noted entry 3."
    forged = checked(THREE, ends_of(THREE), noted=Noted(2, bytes(32)))
    assert forged.fault == "Entry 2 is not the one that was noted."


def test_nobody_without_the_key_can_write_it_anew() -> None:
    """A chain that was computed again, each hash right, has seals of another key."""
    other = bytes(32)
    forged = [
        (replace(link, seal=audit.seal_of(other, link.hash)) if link.seal else link, columns)
        for link, columns in THREE
    ]
    found = checked(forged, ends_of(forged))
    assert (found.fault_seq, found.fault) == (
        1,
        "Entry 1 was not sealed with this vault's key.",
    )
    assert checked(forged, ends_of(forged), key=None).fault == ""


def test_a_chain_without_any_seal_is_not_believed() -> None:
    """The first thing that an open vault did was to seal an entry: somebody took the seals away."""
    bare = [(replace(link, seal=b""), columns) for link, columns in THREE]
    found = checked(bare, ends_of(bare))
    assert found.fault == "No entry is sealed, although the vault has been open."


def test_entries_without_a_seal_behind_the_last_sealed_one_are_counted() -> None:
    """They were written while the vault was sealed: nothing vouches for them yet."""
    assert checked(THREE, ends_of(THREE)).unsealed == 0
    assert checked(THREE[:2], ends_of(THREE[:2])).unsealed == 1


@pytest.mark.parametrize("column", ["at", "vault_id", "vault", "actor_kind", "action"])
def test_what_an_entry_is_filed_under_counts(column: str) -> None:
    """One that was hidden from a filter is found."""
    link, columns = THREE[0]
    hidden = [(link, {**columns, column: "other"}), *THREE[1:]]
    assert checked(hidden, ends_of(THREE)).fault_seq == 1


def test_a_pruned_beginning_is_vouched_for() -> None:
    """By a seal over its number and hash; without it, it was removed."""
    first = THREE[0][0]
    seal = audit.start_seal(KEY, 1, first.hash)
    last = THREE[-1][0]
    good = Ends(3, last.hash, 1, first.hash, seal)
    assert checked(THREE[1:], good).fault == ""
    bad = replace(good, start_seal=bytes(32))
    assert "Nothing vouches" in checked(THREE[1:], bad).fault
    moved = replace(good, start_seq=0)
    assert checked(THREE[1:], moved).fault == "The audit's beginning was altered."


def test_a_value_without_end_is_left_out() -> None:
    """An entry stays readable, and says how much there was."""
    deed = Deed("service.updated", after={"document": "x" * 10_000, "name": "a"})
    text = audit.entry_text(1.0, Origin("worker"), deed)
    assert '"document":{"left_out_characters":10002}' in text
    assert len(text) < 500


@given(values)
def test_one_value_has_one_spelling(value: dict[str, Any]) -> None:
    """ASCII alone, and the same whatever the order of its fields."""
    turned = dict(reversed(list(value.items())))
    assert audit.canonical(value) == audit.canonical(turned)
    assert audit.canonical(value).isascii()
