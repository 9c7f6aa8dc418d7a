"""A backup's file: it gives back what was packed, or nothing."""

import io
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.seal import SlotDraft, SlotRecord, backup_file, new_dek
from proxy_core.seal.password_slot import create_password_slot, open_password_slot

DEK = new_dek()


@cache
def slot() -> SlotRecord:
    """The slot in each header; made when tests run, as they derive in earnest."""
    return create_password_slot(SlotDraft("s1", "mine", 5.0, key_version=3), DEK, b"correct horse")


def packed(content: bytes) -> bytes:
    """A backup of it."""
    out = io.BytesIO()
    backup_file.pack(io.BytesIO(content), out, DEK, [slot()], created_at=7.5, version="1.2")
    return out.getvalue()


def unpacked(backup: bytes, dek: bytearray | None = None) -> bytes:
    """What a backup holds, opened by the key, or the password of the slot in its header."""
    file, out = io.BytesIO(backup), io.BytesIO()
    head = backup_file.read_head(file)
    opened = dek or open_password_slot(head.slots[0], b"correct horse")
    backup_file.unpack(file, head, opened, out)
    return out.getvalue()


def refused(backup: bytes, dek: bytearray | None = None) -> bool:
    """Whether the file is refused, whatever is wrong with it."""
    try:
        unpacked(backup, dek)
    except VaultError as error:
        return error.code in {"backup_damaged", "wrong_key", "key_slot_unusable"}
    return False


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of a few bytes, so that there are many."""
    monkeypatch.setattr(backup_file, "CHUNK_BYTES", 16)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 32, 100])
@pytest.mark.usefixtures("small_chunks")
def test_what_was_packed_comes_back(size: int) -> None:
    """Of any size, with what the header says of it; nothing of it stands there in the clear."""
    content = bytes(range(size))
    backup = packed(content)
    assert unpacked(backup, DEK) == content
    head = backup_file.read_head(io.BytesIO(backup))
    assert (head.created_at, head.version, head.slots) == (7.5, "1.2", [slot()])
    assert size < 15 or content not in backup
    assert packed(content) != backup


@pytest.mark.usefixtures("small_chunks")
def test_a_file_that_was_cut_or_added_to_is_refused() -> None:
    """Anywhere, also where a chunk ends; chunks can't be left out, repeated or exchanged."""
    backup = packed(bytes(64))
    start = len(backup) - 4 * 32
    chunks = [backup[start + 32 * n : start + 32 * (n + 1)] for n in range(4)]
    assert b"".join([backup[:start], *chunks]) == backup
    for cut in (0, 5, 20, start - 1, start, start + 1, start + 32, start + 96, len(backup) - 1):
        assert refused(backup[:cut], DEK), cut
    assert refused(backup + b"x", DEK)
    assert refused(backup + bytes(32), DEK)
    head = backup[:start]
    for order in ((0, 2, 1, 3), (0, 1, 3), (1, 2, 3), (0, 0, 1, 2, 3), (0, 1, 2, 3, 3)):
        assert refused(head + b"".join(chunks[number] for number in order), DEK), order


# The password is hashed for each: few examples, the places are what matters.
@settings(max_examples=8, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused(place: float, bit: int) -> None:
    """Wherever it is, header and chunks alike."""
    backup = bytearray(packed(b"the whole vault" * 20))
    backup[int(place * len(backup))] ^= 1 << bit
    assert refused(bytes(backup))


def test_a_later_format_and_another_file_are_told_apart() -> None:
    """Each in its own words, and neither is read any further."""
    for content, words in (
        (b"SQLite format 3", "not a backup"),
        (b"vault-tui backup 2\n", "format"),
    ):
        with pytest.raises(VaultError, match=words):
            backup_file.read_head(io.BytesIO(content))


@pytest.mark.parametrize(
    "header",
    [b"", b"{}", b"\xff\xfe", b'{"slots": "\xf3"}', b"[" * 200_000, b'{"slots": ' * 50_000],
    ids=["empty", "bare", "bytes", "text", "lists", "objects"],
)
def test_a_header_that_is_none_is_refused(header: bytes) -> None:
    """Whatever it is, and however long it says that it is."""
    for size in (len(header), 2**32 - 1):
        file = b"vault-tui backup 1\n" + size.to_bytes(4, "big") + header
        with pytest.raises(VaultError) as refusal:
            backup_file.read_head(io.BytesIO(file))
        assert refusal.value.code == "backup_damaged"


@pytest.mark.parametrize(
    "change",
    [
        {"created_at": 1e300},
        {"created_at": -1},
        {"slots": [{"created_at": 1e300}]},
        {"slots": [{"key_version": 2**32}]},
        {"slots": [{"key_version": 0}]},
        {"slots": [{"params": {"time": 64, "memory_kib": 2**22}}] * 65},
    ],
)
def test_what_no_backup_says_is_refused_before_anything_is_derived(change: dict[str, Any]) -> None:
    """The header is believed only at the end: no time, number or count of it may do harm before."""
    backup = packed(b"x")
    size = int.from_bytes(backup[19:23], "big")
    header = json.loads(backup[23 : 23 + size])
    (kept,) = header["slots"]
    header |= change | {"slots": [kept | one for one in change.get("slots", [{}])]}
    altered = json.dumps(header).encode()
    file = backup[:19] + len(altered).to_bytes(4, "big") + altered + backup[23 + size :]
    with pytest.raises(VaultError) as refusal:
        backup_file.read_head(io.BytesIO(file))
    assert refusal.value.code == "backup_damaged"


def test_a_backup_that_could_not_be_restored_is_not_made() -> None:
    """Of more slots than are read again."""
    out = io.BytesIO()
    with pytest.raises(VaultError, match="64 key slots"):
        backup_file.pack(io.BytesIO(), out, DEK, [slot()] * 65, created_at=7.5, version="1.2")
    assert not out.getvalue()


def test_the_password_alone_opens_it() -> None:
    """By the slot in its header, and the key itself is nowhere in it."""
    backup = packed(b"the whole vault")
    assert unpacked(backup) == b"the whole vault"
    assert bytes(DEK) not in backup
