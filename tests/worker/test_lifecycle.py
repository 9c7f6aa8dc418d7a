"""Starting and stopping real worker processes."""

import base64
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.launcher import ensure_worker, running_status, stop_worker
from tests.worker.harness import FREE_PORTS, PASSWORD, WorkerProcess


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


def listing(home: Path) -> dict[str, Any]:
    """What is on disk, to be compared."""
    return {path.name: path.read_bytes() for path in home.iterdir() if path.is_file()}


def initialised(home: Path) -> None:
    """Set a home up and leave no worker behind."""
    worker = WorkerProcess(home)
    worker.ready()
    worker.client.send(calls.init("password", PASSWORD))
    assert worker.end()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_when_asked(home: Path, number: int) -> None:
    """One ready line on stdout, private files whatever the umask, and nothing left behind."""
    previous = os.umask(0)
    try:
        worker = WorkerProcess(home)
    finally:
        os.umask(previous)
    line = worker.ready()
    status = worker.client.send(calls.status())
    assert line == f"ready api={status.api} proxy={status.proxy} socket={status.socket}\n"
    assert (status.pid, status.sealed) == (worker.process.pid, True)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    code, _ = worker.end(number)
    assert code == 0
    assert not worker.home.socket.exists()
    assert not worker.home.pid_file.exists()


def test_the_process_is_hardened(home: Path) -> None:
    """A crash leaves no core file that could hold a secret."""
    worker = WorkerProcess(home)
    worker.ready()
    proc = Path(f"/proc/{worker.process.pid}")
    limits = (proc / "limits").read_text()
    (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core")]
    assert core[4:6] == ["0", "0"]
    worker.end()


def test_two_workers_of_one_home(home: Path) -> None:
    """The second says that one runs, and leaves the first alone."""
    first = WorkerProcess(home)
    first.ready()
    code, errors = WorkerProcess(home).finish()
    assert code == 1
    assert errors.strip().endswith("[already_running]")
    assert first.client.send(calls.health()).status == "ok"
    assert first.end()[0] == 0


def test_what_a_killed_worker_left_stops_nobody(home: Path) -> None:
    """After kill -9 the stale socket, pid file and lock are taken over."""
    first = WorkerProcess(home)
    first.ready()
    first.end(signal.SIGKILL)
    assert first.home.socket.exists()
    second = WorkerProcess(home)
    assert second.ready().startswith("ready ")
    assert second.client.send(calls.status()).pid == second.process.pid
    assert second.end()[0] == 0


@pytest.mark.parametrize("option", ["--port", "--proxy-port"])
def test_a_taken_port(home: Path, option: str) -> None:
    """One sentence, status 1, and no database is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, errors = WorkerProcess(home, option, port).finish()
    assert code == 1
    assert errors == f"vault-tui worker: Port {port} of 127.0.0.1 is taken. [port_in_use]\n"
    assert not Home(home).database.exists()


def test_a_home_that_is_a_symlink(home: Path, tmp_path: Path) -> None:
    """A symbolic link is refused, and what it points to stays untouched."""
    target = tmp_path / "elsewhere"
    target.mkdir()
    home.symlink_to(target)
    code, errors = WorkerProcess(home).finish()
    assert (code, errors.strip()[-15:]) == (1, "[home_unusable]")
    assert list(target.iterdir()) == []


def test_beyond_loopback_without_tls(home: Path) -> None:
    """An address of the network is refused unless --insecure says so; no home is made."""
    code, errors = WorkerProcess(home, "--host", "0.0.0.0").finish()
    assert code == 2
    assert "--insecure" in errors
    assert not home.exists()
    worker = WorkerProcess(home, "--host", "0.0.0.0", "--insecure")
    assert worker.ready().startswith("ready api=0.0.0.0:")
    assert worker.end()[0] == 0


def test_a_bad_option(home: Path) -> None:
    """Wrong use is status 2 and makes nothing."""
    code, errors = WorkerProcess(home, "--connect-to", "nonsense").finish()
    assert code == 2
    assert "--connect-to" in errors
    missing = str(home / "missing.pem")
    code, errors = WorkerProcess(home, "--upstream-ca", missing).finish()
    assert code == 2
    assert missing in errors
    assert WorkerProcess(home, "--no-such-option").finish()[0] == 2
    code, errors = WorkerProcess(home, "--port", "http").finish()
    assert code == 2
    assert "http is not a port" in errors
    assert not home.exists()


def test_a_bad_option_in_the_background(home: Path) -> None:
    """Whoever starts a worker is told what is wrong with its options."""
    with pytest.raises(VaultError, match=r"argument --port: 99999 is not a port\.") as caught:
        ensure_worker(Home(home), ["--port", "99999"])
    assert (caught.value.code, caught.value.exit_code) == ("bad_request", 2)


def test_a_wrong_master_password(home: Path) -> None:
    """Status 5, one sentence, and every file is as it was."""
    initialised(home)
    before = listing(home)
    code, errors = WorkerProcess(home, VAULT_TUI_MASTER_PASSWORD="wrong").finish()
    assert code == 5
    assert errors.count("\n") == 1
    assert errors.strip().endswith("[wrong_key]")
    assert listing(home) == before


def test_the_password_leaves_the_environment(home: Path) -> None:
    """The worker opens with the password, which then stands in neither environ nor cmdline."""
    initialised(home)
    worker = WorkerProcess(home, VAULT_TUI_MASTER_PASSWORD=PASSWORD)
    worker.ready()
    assert worker.client.send(calls.status()).sealed is False
    proc = Path(f"/proc/{worker.process.pid}")
    assert PASSWORD.encode() not in (proc / "environ").read_bytes()
    assert PASSWORD.encode() not in (proc / "cmdline").read_bytes()
    assert worker.end()[0] == 0


def test_the_password_from_a_file(home: Path, tmp_path: Path) -> None:
    """The first line of the file opens the vault; a file that is not there is an error."""
    initialised(home)
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    worker = WorkerProcess(home, VAULT_TUI_MASTER_PASSWORD_FILE=str(file))
    worker.ready()
    assert worker.client.send(calls.status()).sealed is False
    assert worker.end()[0] == 0
    file.unlink()
    code, errors = WorkerProcess(home, VAULT_TUI_MASTER_PASSWORD_FILE=str(file)).finish()
    assert code == 2
    assert str(file) in errors


def test_a_newer_database(home: Path) -> None:
    """A database of a later version is refused and not changed."""
    initialised(home)
    with sqlite3.connect(Home(home).database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999_later'")
    database.close()
    before = listing(home)
    code, errors = WorkerProcess(home).finish()
    assert code == 1
    assert errors.strip().endswith("[database_newer]")
    assert listing(home) == before


def test_an_open_event_stream_does_not_delay_the_stop(home: Path) -> None:
    """A console that follows events is told of the end, and the worker stops at once."""
    worker = WorkerProcess(home)
    worker.ready()
    connection, response = worker.client.open(calls.event_stream())
    started = time.monotonic()
    code, _ = worker.end()
    assert code == 0
    assert time.monotonic() - started < 5
    assert b"worker.stopping" in response.read()
    connection.close()


def test_a_second_signal_hurries(home: Path) -> None:
    """While a request keeps the worker waiting, a second signal ends it at once."""
    with socket.socket() as upstream:
        upstream.bind(("127.0.0.1", 0))
        upstream.listen()
        port = upstream.getsockname()[1]
        worker = WorkerProcess(home, "--allow-private")
        worker.ready()
        worker.client.send(calls.init("password", PASSWORD))
        token = worker.client.send(calls.create_session("default")).token
        host, _, proxy_port = worker.client.send(calls.status()).proxy.rpartition(":")
        login = base64.b64encode(f"{token}:default".encode()).decode()
        with socket.create_connection((host, int(proxy_port)), timeout=10) as agent:
            request = f"GET http://127.0.0.1:{port}/slow HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            agent.sendall(f"{request}Proxy-Authorization: Basic {login}\r\n\r\n".encode())
            upstream.settimeout(10)
            connection, _ = upstream.accept()
            with connection:
                assert b"GET /slow" in connection.recv(65536)
                worker.process.send_signal(signal.SIGTERM)
                with pytest.raises(subprocess.TimeoutExpired):
                    worker.process.wait(1.5)
                started = time.monotonic()
                assert worker.end()[0] == 0
                assert time.monotonic() - started < 10


def test_start_and_stop_in_the_background(home: Path) -> None:
    """`ensure_worker` starts one detached, finds it again, and `stop_worker` ends it."""
    place = Home(home)
    assert running_status(place) is None
    assert stop_worker(place) is False
    status = ensure_worker(place, FREE_PORTS)
    try:
        assert ensure_worker(place, FREE_PORTS).pid == status.pid
        assert os.getsid(status.pid) == status.pid
        assert Path(f"/proc/{status.pid}/fd/0").resolve() == Path("/dev/null")
        assert "ready api=" in place.log_file.read_text()
        assert stat.S_IMODE(place.log_file.stat().st_mode) == 0o600
    finally:
        assert stop_worker(place)
    assert running_status(place) is None


def test_concurrent_starters_make_one_worker(home: Path) -> None:
    """Whoever starts at the same time gets the same worker."""
    script = (
        "import sys; from pathlib import Path; from proxy_core.base.paths import Home;"
        "from proxy_core.client.launcher import ensure_worker;"
        "print(ensure_worker(Home(Path(sys.argv[1])), sys.argv[2:]).pid)"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(home), *FREE_PORTS], stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    pids = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert stop_worker(Home(home))
    assert len(pids) == 1
    assert pids != {b""}


def test_a_failed_start_says_why(home: Path) -> None:
    """The starter raises the worker's own reason, with its code."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with pytest.raises(VaultError) as caught:
            ensure_worker(Home(home), ["--port", port, "--proxy-port", "0"])
    assert caught.value.code == "port_in_use"
    assert str(caught.value) == f"Port {port} of 127.0.0.1 is taken."


def test_the_socket_group_may_pass(home: Path) -> None:
    """With --socket-group the socket is 0660 and the home can be passed, not listed."""
    worker = WorkerProcess(home, "--socket-group", str(os.getegid()))
    worker.ready()
    assert stat.S_IMODE(worker.home.socket.stat().st_mode) == 0o660
    assert stat.S_IMODE(home.stat().st_mode) == 0o710
    assert worker.end()[0] == 0
