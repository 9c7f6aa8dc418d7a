"""Starting and stopping real worker processes."""

import base64
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.launcher import ensure_worker, running_status, stop_worker
from proxy_core.worker.runtime import GRACE_SECONDS
from tests.worker.harness import FREE_PORTS, PASSWORD, WorkerProcess, listing


def test_a_bad_option_in_the_background(home: Path) -> None:
    """Whoever starts a worker is told what is wrong with its options."""
    with pytest.raises(VaultError, match=r"argument --port: 99999 is not a port\.") as caught:
        ensure_worker(Home(home), ["--port", "99999"])
    assert (caught.value.code, caught.value.exit_code) == ("bad_request", 2)


def test_it_serves_and_stops_when_asked(home: Path) -> None:
    """One ready line on stdout, private files whatever the umask, and nothing left behind.

    The process cannot leave a core file, a second worker of the home says that one runs, and a
    console that follows events is told of the end without delaying it.
    """
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
    limits = Path(f"/proc/{worker.process.pid}/limits").read_text()
    (core,) = [row.split() for row in limits.splitlines() if row.startswith("Max core")]
    assert core[4:6] == ["0", "0"]

    code, errors = WorkerProcess(home).finish()
    assert code == 1
    assert errors.count("\n") == 1
    assert errors.strip().endswith("[already_running]")

    connection, response = worker.client.open(calls.event_stream())
    started = time.monotonic()
    assert worker.end()[0] == 0
    assert time.monotonic() - started < GRACE_SECONDS
    assert b"worker.stopping" in response.read()
    connection.close()
    assert not worker.home.socket.exists()
    assert not worker.home.pid_file.exists()


def test_what_a_killed_worker_left_stops_nobody(initialised_home: Path) -> None:
    """After kill -9 the stale socket, pid file and lock are taken over.

    The password in the environment opens the vault and then stands in neither environ nor
    cmdline; SIGINT stops as SIGTERM does.
    """
    first = WorkerProcess(initialised_home)
    first.ready()
    first.end(signal.SIGKILL)
    assert first.home.socket.exists()
    second = WorkerProcess(initialised_home, VAULT_TUI_MASTER_PASSWORD=PASSWORD)
    assert second.ready().startswith("ready ")
    status = second.client.send(calls.status())
    assert (status.pid, status.sealed) == (second.process.pid, False)
    proc = Path(f"/proc/{second.process.pid}")
    assert PASSWORD.encode() not in (proc / "environ").read_bytes()
    assert PASSWORD.encode() not in (proc / "cmdline").read_bytes()
    assert second.end(signal.SIGINT)[0] == 0


def test_a_wrong_master_password(initialised_home: Path) -> None:
    """Status 5, one sentence, and every file is as it was."""
    before = listing(initialised_home)
    code, errors = WorkerProcess(initialised_home, VAULT_TUI_MASTER_PASSWORD="wrong").finish()
    assert code == 5
    assert errors.count("\n") == 1
    assert errors.strip().endswith("[wrong_key]")
    assert listing(initialised_home) == before


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
        with socket.create_connection((host, int(proxy_port)), timeout=30) as agent:
            request = f"GET http://127.0.0.1:{port}/slow HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            agent.sendall(f"{request}Proxy-Authorization: Basic {login}\r\n\r\n".encode())
            upstream.settimeout(30)
            connection, _ = upstream.accept()
            with connection:
                assert b"GET /slow" in connection.recv(65536)
                worker.process.send_signal(signal.SIGTERM)
                with pytest.raises(subprocess.TimeoutExpired):
                    worker.process.wait(1.5)
                started = time.monotonic()
                assert worker.end()[0] == 0
                assert time.monotonic() - started < GRACE_SECONDS


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
