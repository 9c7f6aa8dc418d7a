"""The sealer: what it accepts back, what it refuses, what it forgets."""

import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.seal import WARN_ENCRYPTIONS, Sealer, aad, new_dek, sealed_under

PLACE = aad("vault-1", "credential_version", "c1/1", "sealed")


def opened(key_version: int = 1) -> Sealer:
    """A sealer with a fresh key."""
    sealer = Sealer()
    sealer.open(new_dek(), key_version=key_version)
    return sealer


@given(st.binary(max_size=300))
def test_unseal_gives_back_what_was_sealed(plaintext: bytes) -> None:
    """Any bytes, empty ones too, survive sealing."""
    sealer = opened()
    assert sealer.unseal(sealer.seal(plaintext, PLACE), PLACE) == plaintext


def test_blob_layout_and_fresh_nonces() -> None:
    """A blob starts with format and key version, and no two share a nonce or the plaintext."""
    sealer = opened(key_version=7)
    first, second = sealer.seal(b"secret-value", PLACE), sealer.seal(b"secret-value", PLACE)
    assert first[:5] == b"\x01\x00\x00\x00\x07"
    assert first[5:17] != second[5:17]
    assert b"secret" not in first
    assert len(first) == 5 + 12 + len(b"secret-value") + 16


@given(st.data())
def test_every_flipped_bit_is_detected(data: st.DataObject) -> None:
    """A blob with any one bit changed is unreadable."""
    sealer = opened()
    blob = bytearray(sealer.seal(b"secret-value", PLACE))
    bit = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[bit // 8] ^= 1 << bit % 8
    with pytest.raises(VaultError) as raised:
        sealer.unseal(bytes(blob), PLACE)
    assert raised.value.code == "credential_unreadable"


def test_every_truncation_is_detected() -> None:
    """A blob cut anywhere is unreadable."""
    sealer = opened()
    blob = sealer.seal(b"secret-value", PLACE)
    for length in range(len(blob)):
        with pytest.raises(VaultError) as raised:
            sealer.unseal(blob[:length], PLACE)
        assert raised.value.code == "credential_unreadable"


@pytest.mark.parametrize(
    "elsewhere",
    [
        aad("vault-2", "credential_version", "c1/1", "sealed"),
        aad("vault-1", "certificate_authority", "c1/1", "sealed"),
        aad("vault-1", "credential_version", "c1/2", "sealed"),
        aad("vault-1", "credential_version", "c1/1", "other"),
    ],
)
def test_a_blob_moved_elsewhere_is_unreadable(elsewhere: bytes) -> None:
    """Vault, table, row and column all bind a blob to its place."""
    sealer = opened()
    with pytest.raises(VaultError) as raised:
        sealer.unseal(sealer.seal(b"secret-value", PLACE), elsewhere)
    assert raised.value.code == "credential_unreadable"


@given(st.lists(st.text(max_size=4), min_size=4, max_size=4), st.data())
def test_no_two_places_share_a_spelling(fields: list[str], data: st.DataObject) -> None:
    """Moving characters from one field of a place to the next changes its spelling."""
    others = data.draw(st.lists(st.text(max_size=4), min_size=4, max_size=4))
    same = aad(*fields) == aad(*others)
    assert same == (fields == others)


def test_another_key_cannot_read() -> None:
    """A blob of one DEK is unreadable under another, and the error tells nothing of it."""
    blob = opened().seal(b"secret-value", PLACE)
    with pytest.raises(VaultError) as raised:
        opened().unseal(blob, PLACE)
    text = "".join(traceback.format_exception(raised.value))
    assert raised.value.detail == ""
    assert "secret-value" not in text


def test_forgetting_overwrites_the_key() -> None:
    """After `forget` the key's bytes are zero, and nothing can be sealed or unsealed."""
    sealer, dek = Sealer(), new_dek()
    sealer.open(dek)
    blob = sealer.seal(b"x", PLACE)
    sealer.forget()
    assert dek == bytes(32)
    assert sealer.sealed
    for attempt in (
        lambda: sealer.seal(b"x", PLACE),
        lambda: sealer.unseal(blob, PLACE),
        lambda: sealer.holds(dek),
        sealer.copy_dek,
    ):
        with pytest.raises(VaultError) as raised:
            attempt()
        assert raised.value.code == "sealed"


def test_opening_again_overwrites_the_key_held_before() -> None:
    """A second `open` leaves nothing of the first key behind."""
    sealer, first = Sealer(), new_dek()
    sealer.open(first)
    sealer.open(new_dek(), key_version=2)
    assert first == bytes(32)
    assert not sealer.sealed


def test_encryptions_are_counted_from_what_was_stored() -> None:
    """The count goes on from the stored one, and warns far below the limit of 2**32."""
    sealer = Sealer()
    sealer.open(new_dek(), encryptions=WARN_ENCRYPTIONS - 1)
    assert not sealer.worn
    sealer.seal(b"x", PLACE)
    assert sealer.encryptions == WARN_ENCRYPTIONS
    assert sealer.worn
    assert 16 * WARN_ENCRYPTIONS <= 2**32


def test_nothing_shows_the_key() -> None:
    """Neither the sealer's text nor its representation holds the key."""
    sealer, dek = Sealer(), new_dek()
    sealer.open(dek)
    assert dek.hex() not in repr(sealer) + str(sealer)
    assert repr(bytes(dek)) not in repr(sealer)


def test_an_encryptor_outlives_the_key_that_the_sealer_forgets() -> None:
    """What arrives after sealing can be stored, and is read once the same key is back."""
    dek = new_dek()
    sealer = Sealer()
    sealer.open(bytearray(dek), key_version=3)
    encryptor = sealer.encryptor(uses=2)
    assert (sealer.encryptions, encryptor.key_version) == (2, 3)
    sealer.forget()
    blob = encryptor.seal(b"secret-value", PLACE)
    with pytest.raises(VaultError):
        sealer.encryptor()
    sealer.open(dek, key_version=3)
    assert sealer.unseal(blob, PLACE) == b"secret-value"


def test_the_keys_version_is_authenticated() -> None:
    """The same key under another version reads nothing, whatever the blob's head says."""
    dek = new_dek()
    first, second = Sealer(), Sealer()
    first.open(bytearray(dek), key_version=1)
    second.open(bytearray(dek), key_version=2)
    blob = first.seal(b"secret-value", PLACE)
    assert (sealed_under(blob), sealed_under(b"short"), sealed_under(bytes(60))) == (1, -1, -1)
    for forged in (blob, blob[:4] + b"\x02" + blob[5:]):
        with pytest.raises(VaultError, match="decrypted"):
            second.unseal(forged, PLACE)


def test_a_replaced_key_reads_what_it_sealed_until_it_is_forgotten() -> None:
    """Both keys' blobs are read meanwhile, new ones are sealed under the new key alone."""
    sealer, first = opened(key_version=1), new_dek()
    sealer.open(first, key_version=1)
    before = sealer.seal(b"before", PLACE)
    sealer.replace(new_dek(), key_version=2, encryptions=5)
    after = sealer.seal(b"after", PLACE)
    assert (first, sealed_under(after), sealer.encryptions) == (bytes(32), 2, 6)
    assert (sealer.unseal(before, PLACE), sealer.unseal(after, PLACE)) == (b"before", b"after")
    sealer.forget_former()
    assert sealer.unseal(after, PLACE) == b"after"
    with pytest.raises(VaultError) as raised:
        sealer.unseal(before, PLACE)
    assert raised.value.code == "credential_unreadable"


def test_sealing_forgets_both_keys() -> None:
    """Neither is left behind, and a sealed vault takes no other key."""
    sealer = opened()
    blob = sealer.seal(b"x", PLACE)
    sealer.replace(new_dek(), key_version=2)
    sealer.forget()
    for attempt in (
        lambda: sealer.unseal(blob, PLACE),
        lambda: sealer.replace(new_dek(), key_version=3),
    ):
        with pytest.raises(VaultError) as raised:
            attempt()
        assert raised.value.code == "sealed"
