"""Where the home is, and which directories are refused."""

import os
import stat
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home, open_private_file


def test_where_the_home_is() -> None:
    """An explicit home wins over VAULT_TUI_HOME, that over XDG_DATA_HOME, that over the default."""
    env = {"HOME": "/home/ann", "XDG_DATA_HOME": "/data", "VAULT_TUI_HOME": "/vault"}
    assert Home.locate("/given", env).path == Path("/given")
    assert Home.locate(None, env).path == Path("/vault")
    del env["VAULT_TUI_HOME"]
    assert Home.locate(None, env).path == Path("/data/vault-tui")
    del env["XDG_DATA_HOME"]
    assert Home.locate(None, env).path == Path("/home/ann/.local/share/vault-tui")


def test_a_relative_home_is_made_absolute() -> None:
    """The worker changes its directory, so a relative home must not move with it."""
    assert Home.locate("here", {}).path == Path.cwd() / "here"


def test_a_long_home_keeps_its_socket_in_the_runtime_directory() -> None:
    """A path that does not fit a socket address moves to XDG_RUNTIME_DIR, one name a home."""
    long = "/" + "x" * 120
    env = {"XDG_RUNTIME_DIR": "/run/user/1000"}
    first, second = (Home.locate(long + tail, env).socket for tail in ("", "y"))
    assert first.parent == Path("/run/user/1000")
    assert first != second
    with pytest.raises(VaultError) as caught:
        _ = Home.locate(long, {}).socket
    assert caught.value.code == "home_unusable"


def test_the_home_is_made_private(tmp_path: Path) -> None:
    """Created with 0700 whatever the umask, and made so again when it was opened up."""
    home = Home(tmp_path / "a" / "home")
    previous = os.umask(0)
    try:
        home.prepare()
    finally:
        os.umask(previous)
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    home.path.chmod(0o777)
    home.prepare()
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_what_is_refused_as_a_home(tmp_path: Path) -> None:
    """A symbolic link, a file, and another user's directory are refused."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    for name, why in {
        "link": "link cannot be used: it is a symbolic link",
        "file": "file cannot be used: it is not a directory",
        "file/home": "file is not a directory",
        "file/below/home": "cannot be used: Not a directory",
    }.items():
        with pytest.raises(VaultError, match=why) as caught:
            Home(tmp_path / name).prepare()
        assert caught.value.code == "home_unusable"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_home_is_refused(tmp_path: Path) -> None:
    """A directory that belongs to someone else is refused."""
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 54321, 54321)
    with pytest.raises(VaultError) as caught:
        Home(tmp_path / "theirs").prepare()
    assert "another user" in str(caught.value)


def test_private_files(tmp_path: Path) -> None:
    """Files are 0600 even if they were wider, and never opened through a link."""
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(0o666)
    os.close(open_private_file(path, os.O_RDWR))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(VaultError, match="it is a symbolic link"):
        open_private_file(tmp_path / "link", os.O_RDWR)
