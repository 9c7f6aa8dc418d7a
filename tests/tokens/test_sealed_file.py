"""The encrypted file: it opens here, and nowhere else."""

import shutil
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.tokens.login import LoginDirectory
from proxy_core.tokens.sealed_file import SealedFile


def sealed(home: Path, machine: str = "this") -> SealedFile:
    """The file of a home, on a machine."""
    machine_id = home.parent / f"{machine}-id"
    machine_id.write_text(machine)
    return SealedFile(LoginDirectory(Home(home)), machine_id)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Encrypted, and anew each time."""
    safe = sealed(tmp_path / "home")
    assert safe.read() is None
    safe.write("a secret")
    first = (tmp_path / "home/login/tokens.sealed").read_bytes()
    safe.write("a secret")
    assert safe.read() == "a secret"
    assert first != (tmp_path / "home/login/tokens.sealed").read_bytes()
    assert b"secret" not in first
    safe.delete()
    safe.delete()
    assert safe.read() is None


def test_a_copy_opens_nothing(tmp_path: Path) -> None:
    """Not the home on another machine, not the file without its key."""
    sealed(tmp_path / "home").write("a secret")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    assert sealed(tmp_path / "copy").read() == "a secret"
    with pytest.raises(VaultError, match="another machine"):
        sealed(tmp_path / "copy", "other").read()
    (tmp_path / "copy/login/tokens.key").unlink()
    with pytest.raises(VaultError, match="damaged"):
        sealed(tmp_path / "copy").read()


@pytest.mark.parametrize("position", [0, 6, 20, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, position: int) -> None:
    """Wherever it is, or if the end is missing."""
    safe = sealed(tmp_path / "home")
    safe.write("a secret")
    path = tmp_path / "home/login/tokens.sealed"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    for damaged in (bytes(content), bytes(content[:10])):
        path.write_bytes(damaged)
        with pytest.raises(VaultError) as caught:
            safe.read()
        assert caught.value.code == "not_signed_in"


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """Nothing is read from or written through it."""
    safe = sealed(tmp_path / "home")
    safe.write("a secret")
    key = tmp_path / "home/login/tokens.key"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError, match="symbolic link"):
        safe.read()
