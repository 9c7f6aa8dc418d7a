"""Starts that are refused, in this process: what is raised or printed, and what is left behind."""

import asyncio
import os
import socket
import sqlite3
import stat
from pathlib import Path

import pytest

from proxy_core.base import variables
from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.worker.__main__ import main
from proxy_core.worker.config import WorkerConfig
from proxy_core.worker.password import read_password
from proxy_core.worker.runtime import running_worker
from tests.worker.harness import FREE_PORTS, PASSWORD, ThreadedWorker, listing


def refusal(config: WorkerConfig) -> VaultError:
    """Why it does not start."""

    async def serve() -> None:
        async with running_worker(config):
            pass

    with pytest.raises(VaultError) as caught:
        asyncio.run(serve())
    return caught.value


@pytest.mark.parametrize("which", ["port", "proxy_port"])
def test_a_taken_port(home: Path, which: str) -> None:
    """One sentence, and no database is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"port": 0, "proxy_port": 0, which: port}
        error = refusal(WorkerConfig(home=Home(home), **ports))
    assert (error.code, error.exit_code) == ("port_in_use", 1)
    assert str(error) == f"Port {port} of 127.0.0.1 is taken."
    assert not Home(home).database.exists()


def test_a_home_that_is_a_symlink(home: Path, tmp_path: Path) -> None:
    """A symbolic link is refused, and what it points to stays untouched."""
    target = tmp_path / "elsewhere"
    target.mkdir()
    home.symlink_to(target)
    error = refusal(WorkerConfig(home=Home(home), port=0, proxy_port=0))
    assert error.code == "home_unusable"
    assert list(target.iterdir()) == []


def test_a_newer_database(initialised_home: Path) -> None:
    """A database of a later version is refused and not changed."""
    with sqlite3.connect(Home(initialised_home).database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_later'")
    database.close()
    before = listing(initialised_home)
    error = refusal(WorkerConfig(home=Home(initialised_home), port=0, proxy_port=0))
    assert (error.code, error.exit_code) == ("database_newer", 1)
    assert listing(initialised_home) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--host", "0.0.0.0"), "--insecure"),
        (("--connect-to", "nonsense"), "--connect-to"),
        (("--upstream-ca", "/no/such/root.pem"), "/no/such/root.pem"),
        (("--port", "7", "--proxy-port", "7"), "must differ"),
        (("--tls-cert", "/no/such.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-key", "/no/such.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-cert", "/no/such.pem", "--tls-key", "/no/such.pem"), "cannot be read"),
        (("--public-url", "vault.example.com"), "https://HOST[:PORT]"),
        (("--public-url", "https://vault.example.com/below"), "https://HOST[:PORT]"),
        (("--public-url", "https://me@vault.example.com"), "https://HOST[:PORT]"),
    ],
)
def test_options_that_cannot_be_served(
    home: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    """Wrong use is status 2 and one sentence, and makes nothing."""
    assert main(["--home", str(home), *FREE_PORTS, *options]) == 2
    printed = capsys.readouterr().err
    assert told in printed
    assert printed.endswith("[bad_request]\n")
    assert printed.count("\n") == 1
    assert not home.exists()


@pytest.mark.parametrize("option", ["--no-such-option", "--port=many", "--socket-group=no-group"])
def test_options_that_do_not_exist(
    home: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """A usage line and status 2."""
    with pytest.raises(SystemExit) as caught:
        main(["--home", str(home), option])
    assert caught.value.code == 2
    assert "usage: vault-tui worker" in capsys.readouterr().err
    assert not home.exists()


def test_beyond_loopback_and_with_a_group(home: Path) -> None:
    """--insecure serves the network's address; a socket group may pass the home, not list it."""
    worker = ThreadedWorker(home, host="0.0.0.0", insecure=True, socket_group=os.getegid()).start()
    assert worker.client().send(calls.status()).api.startswith("0.0.0.0:")
    assert stat.S_IMODE(worker.socket.stat().st_mode) == 0o660
    assert stat.S_IMODE(home.stat().st_mode) == 0o710
    worker.stop()


def test_the_password_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first line counts; a file that is not there, or has no such line, is an error."""
    file = tmp_path / "password"
    monkeypatch.setenv(variables.MASTER_PASSWORD_FILE, str(file))
    file.write_text(f"{PASSWORD}\r\nmore\n")
    assert read_password(None) == PASSWORD.encode()
    for content in ("", "\n", "x" * 5000):
        file.write_text(content)
        with pytest.raises(VaultError) as caught:
            read_password(None)
        assert caught.value.code == "bad_request"
    file.unlink()
    with pytest.raises(VaultError, match=str(file)):
        read_password(None)


def test_a_password_opens_the_vault(initialised_home: Path) -> None:
    """The right one unseals at the start, and is overwritten; the wrong one is refused."""
    given = bytearray(PASSWORD.encode())
    worker = ThreadedWorker(initialised_home, password=given).start()
    assert worker.client().send(calls.status()).sealed is False
    worker.stop()
    assert given == bytes(len(PASSWORD))
    with pytest.raises(VaultError) as caught:
        ThreadedWorker(initialised_home, password=bytearray(b"wrong")).start()
    assert caught.value.code == "wrong_key"
