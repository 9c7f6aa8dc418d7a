"""Key slots of all kinds: what opens them, and what is refused."""

import base64
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import keyring
import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend

from proxy_core.base.errors import VaultError
from proxy_core.seal import Sealer, SlotDraft, SlotKind, SlotRecord, new_dek, open_with_key, prove
from proxy_core.seal.keyfile_slot import create_keyfile_slot, open_keyfile_slot, read_keyfile
from proxy_core.seal.keyring_slot import (
    create_keyring_slot,
    keyring_problem,
    open_keyring_slot,
    remove_keyring_key,
)
from proxy_core.seal.password_slot import Argon2Cost, create_password_slot, open_password_slot
from tests.keyrings import MemoryKeyring

DRAFT = SlotDraft(id="slot-1", label="mine", created_at=1_750_000_000.0)


def refused(code: str, attempt: Any, *arguments: Any) -> VaultError:
    """Call `attempt`, expecting a VaultError of this code."""
    with pytest.raises(VaultError) as raised:
        attempt(*arguments)
    assert raised.value.code == code
    return raised.value


@pytest.fixture(scope="module")
def password_slot() -> tuple[SlotRecord, bytes]:
    """A slot for the password `correct horse`, and the DEK in it."""
    dek = new_dek()
    return create_password_slot(DRAFT, dek, b"correct horse"), bytes(dek)


def test_a_password_opens_its_slot(password_slot: tuple[SlotRecord, bytes]) -> None:
    """The right password gives the DEK; the record shows neither."""
    slot, dek = password_slot
    assert open_password_slot(slot, b"correct horse") == dek
    assert slot.kind is SlotKind.PASSWORD
    assert dek not in slot.wrapped_dek
    assert "correct" not in repr(slot)
    assert (slot.params["time"], slot.params["memory_kib"], slot.params["lanes"]) == (3, 65536, 4)


def test_the_key_is_argon2ids_at_that_cost(password_slot: tuple[SlotRecord, bytes]) -> None:
    """Whoever tries passwords pays it for each: three passes over 64 MiB in four lanes."""
    slot, dek = password_slot
    salt = bytes.fromhex(slot.params["salt"])
    kdf = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65536)
    assert open_with_key(slot, kdf.derive(b"correct horse")) == dek


@pytest.mark.parametrize("password", [b"", b"wrong horse", b"correct horse "])
def test_a_wrong_password_is_refused(
    password_slot: tuple[SlotRecord, bytes], password: bytes
) -> None:
    """Any other password is `wrong_key`."""
    refused("wrong_key", open_password_slot, password_slot[0], password)


def test_an_empty_password_makes_no_slot() -> None:
    """A slot can't be made for the empty password."""
    refused("bad_request", create_password_slot, DRAFT, new_dek(), b"")


@pytest.mark.parametrize(
    "change",
    [
        {"time": 2},
        {"memory_kib": 65535},
        {"lanes": 3},
        {"time": 10**6},
        {"time": 17},
        {"time": 3.5},
        {"time": True},
        {"lanes": 17},
        {"memory_kib": 1024 * 1024 + 1},
        {"memory_kib": 2**31},
        {"kdf": "pbkdf2"},
        {"salt": "00"},
        {"salt": "zz"},
        {"time": "many"},
    ],
)
def test_weakened_or_absurd_costs_are_refused(
    password_slot: tuple[SlotRecord, bytes], change: dict[str, Any]
) -> None:
    """A record below the floor, or made to exhaust memory, is refused before any work."""
    slot = password_slot[0]
    weak = replace(slot, params={**slot.params, **change})
    refused("key_slot_unusable", open_password_slot, weak, b"correct horse")


def test_a_derivation_that_finds_no_memory_says_so(
    password_slot: tuple[SlotRecord, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next slot is tried, or a person told: nothing ends in a traceback."""

    def derive(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("proxy_core.seal.password_slot.Argon2id", derive)
    refused("key_slot_unusable", open_password_slot, password_slot[0], b"correct horse")


def test_a_missing_parameter_is_a_damaged_record(password_slot: tuple[SlotRecord, bytes]) -> None:
    """A record without its salt is refused in words, not with a traceback."""
    params = {name: value for name, value in password_slot[0].params.items() if name != "salt"}
    refused("key_slot_unusable", open_password_slot, replace(password_slot[0], params=params), b"x")


def test_higher_costs_are_kept_in_the_record() -> None:
    """A slot made with a higher cost opens with that cost."""
    dek = new_dek()
    slot = create_password_slot(DRAFT, dek, b"pw", Argon2Cost(time=4))
    assert slot.params["time"] == 4
    assert open_password_slot(slot, b"pw") == dek


def test_changing_a_password_keeps_the_dek(password_slot: tuple[SlotRecord, bytes]) -> None:
    """A slot made again under the same id opens with the new password only, to the same DEK."""
    _, dek = password_slot
    changed = create_password_slot(DRAFT, bytearray(dek), b"new password")
    assert open_password_slot(changed, b"new password") == dek
    refused("wrong_key", open_password_slot, changed, b"correct horse")


def test_a_slot_is_bound_to_id_kind_parameters_and_version(tmp_path: Path) -> None:
    """Changing any of them in the record makes the right key wrong."""
    slot = create_keyfile_slot(DRAFT, new_dek(), tmp_path / "key")
    kek = bytes(read_keyfile(tmp_path / "key"))
    assert len(open_with_key(slot, kek)) == 32
    for altered in (
        replace(slot, id="slot-2"),
        replace(slot, kind=SlotKind.KEYRING),
        replace(slot, params={"path": "/elsewhere"}),
        replace(slot, key_version=2),
        replace(slot, wrapped_dek=slot.wrapped_dek[:-1]),
        replace(slot, wrapped_dek=bytes(60)),
    ):
        refused("wrong_key", open_with_key, altered, kek)
    refused("wrong_key", open_with_key, slot, kek[:16])


def test_proving_compares_with_the_live_key(tmp_path: Path) -> None:
    """The DEK of a slot proves; one of another installation does not; both are overwritten."""
    dek = new_dek()
    slot = create_keyfile_slot(DRAFT, dek, tmp_path / "key")
    sealer = Sealer()
    sealer.open(dek)
    candidate = open_keyfile_slot(slot)
    prove(sealer, candidate)
    assert candidate == bytes(32)
    stranger = new_dek()
    refused("wrong_key", prove, sealer, stranger)
    assert stranger == bytes(32)
    sealer.forget()
    refused("sealed", prove, sealer, new_dek())


# --- key file -------------------------------------------------------------------------------


def test_a_keyfile_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """The key file has mode 0600 under any umask, and opens its slot."""
    dek, old = new_dek(), os.umask(0)
    try:
        slot = create_keyfile_slot(DRAFT, dek, tmp_path / "key")
    finally:
        os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert open_keyfile_slot(slot) == dek
    moved = (tmp_path / "key").rename(tmp_path / "moved")
    assert open_keyfile_slot(slot, moved) == dek


def test_a_keyfile_is_never_written_over(tmp_path: Path) -> None:
    """An existing file, and a dangling symlink, are left alone."""
    existing, link = tmp_path / "existing", tmp_path / "link"
    existing.write_text("precious")
    link.symlink_to(tmp_path / "target")
    for path in (existing, link, tmp_path / "missing" / "key"):
        refused("key_slot_unusable", create_keyfile_slot, DRAFT, new_dek(), path)
    assert existing.read_text() == "precious"
    assert not (tmp_path / "target").exists()


def test_an_exposed_or_odd_keyfile_is_refused(tmp_path: Path) -> None:
    """Readable by others, behind a symlink, not a file, missing, or not a key: refused."""
    path = tmp_path / "key"
    slot = create_keyfile_slot(DRAFT, new_dek(), path)
    path.chmod(0o640)
    assert "chmod 600" in refused("key_slot_unusable", open_keyfile_slot, slot).detail
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "text").write_text("not a key!")
    (tmp_path / "text").chmod(0o600)
    for name in ("link", "pipe", "text", "missing"):
        refused("key_slot_unusable", open_keyfile_slot, slot, tmp_path / name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_keyfile_of_another_user_is_refused(tmp_path: Path) -> None:
    """A key file that another user could rewrite is not trusted."""
    slot = create_keyfile_slot(DRAFT, new_dek(), tmp_path / "key")
    os.chown(tmp_path / "key", 65534, 65534)
    assert "another user" in refused("key_slot_unusable", open_keyfile_slot, slot).detail


def test_another_keyfile_is_the_wrong_key(tmp_path: Path) -> None:
    """A well-formed key file of another slot does not open this one."""
    slot = create_keyfile_slot(DRAFT, new_dek(), tmp_path / "one")
    create_keyfile_slot(DRAFT, new_dek(), tmp_path / "two")
    refused("wrong_key", open_keyfile_slot, slot, tmp_path / "two")


# --- keyring --------------------------------------------------------------------------------


@pytest.fixture
def use_keyring(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a backend the session's keyring."""
    return lambda backend: monkeypatch.setattr(keyring.core, "_keyring_backend", backend)


def test_the_keyring_holds_a_random_key_under_the_slots_id(use_keyring: Any) -> None:
    """The slot opens with the keyring's entry, and no more once it is removed."""
    backend, dek = MemoryKeyring(), new_dek()
    use_keyring(backend)
    slot = create_keyring_slot(DRAFT, dek)
    (entry,) = backend.entries
    assert entry == ("vault-tui", "slot-1")
    assert base64.b64decode(backend.entries[entry]) != bytes(dek)
    assert open_keyring_slot(slot) == dek
    remove_keyring_key(slot)
    remove_keyring_key(slot)
    assert backend.entries == {}
    refused("wrong_key", open_keyring_slot, slot)


@pytest.mark.parametrize("entry", ["not base64 !", base64.b64encode(bytes(32)).decode(), "AAAA"])
def test_a_foreign_keyring_entry_is_the_wrong_key(use_keyring: Any, entry: str) -> None:
    """Whatever another program put there does not open the slot."""
    backend = MemoryKeyring()
    use_keyring(backend)
    slot = create_keyring_slot(DRAFT, new_dek())
    backend.entries["vault-tui", "slot-1"] = entry
    refused("wrong_key", open_keyring_slot, slot)


class EmptyChainer(ChainerBackend):  # type: ignore[no-untyped-call] # keyring's metaclass
    """What keyring chooses when it found several backends and none works."""

    backends: ClassVar[list[KeyringBackend]] = []


class Forgetful(MemoryKeyring):
    """Accepts and does not keep."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Drop it."""


class Failing(MemoryKeyring):
    """Fails with a text that quotes what was to be stored."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot store {password}")


@pytest.mark.parametrize("backend", [fail.Keyring, null.Keyring, EmptyChainer, Forgetful, Failing])
def test_a_keyring_that_does_not_work_is_said_in_one_sentence(
    use_keyring: Any, backend: type[KeyringBackend]
) -> None:
    """No backend, one that keeps nothing, one that fails: `keyring_unavailable`, no secret."""
    use_keyring(backend())  # type: ignore[no-untyped-call]
    failure = refused("keyring_unavailable", create_keyring_slot, DRAFT, new_dek())
    assert failure.detail.endswith(".")
    assert "cannot store" not in failure.detail
    assert failure.__cause__ is None


def test_a_keyring_problem_is_known_beforehand(use_keyring: Any) -> None:
    """A session without a keyring can be told from one with, before a slot is made."""
    use_keyring(fail.Keyring())  # type: ignore[no-untyped-call]
    assert keyring_problem() == "This session has no OS keyring."
    use_keyring(MemoryKeyring())
    assert keyring_problem() is None


def test_a_keyring_that_waits_for_ever_is_left_behind(use_keyring: Any) -> None:
    """A backend that asks a desktop which is not there costs the time limit, no more."""
    release = threading.Event()

    class Waiting(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            release.wait(30)
            return None

    use_keyring(Waiting())
    try:
        failure = refused("keyring_unavailable", create_keyring_slot, DRAFT, new_dek(), 0.05)
        assert "does not answer" in failure.detail
    finally:
        release.set()
