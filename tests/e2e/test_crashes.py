"""A worker killed at any moment: what was acknowledged is there, what agents hold stays valid."""

import random
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from tests.e2e.listeners import certified, listen, over_tls, read_head, save_root
from tests.e2e.program import Program, connect_to

pytestmark = [pytest.mark.xdist_group("e2e-crashes"), pytest.mark.timeout(180)]

HOST = "api.test"
KILLS = 5


@pytest.fixture(scope="session")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Worker options that lead to an upstream which says what Authorization it was sent."""

    def tell(connection) -> None:
        while head := read_head(connection):
            fields = [line for line in head.split(b"\r\n") if line.lower().startswith(b"authoriz")]
            body = b"\n".join(fields)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    authority = trustme.CA()
    root = save_root(authority, tmp_path_factory.mktemp("root") / "root.pem")
    port = listen(over_tls(certified(authority, HOST), tell))
    return ["--upstream-ca", str(root), *connect_to({HOST: port})]


@pytest.fixture(scope="session")
def crashing(tmp_path_factory: pytest.TempPathFactory, options: list[str]) -> Iterator[Program]:
    """A vault with a service and a worker that will not live long."""
    with Program(tmp_path_factory.mktemp("crashing")) as made:
        made.set_up(*options)
        made.bearer_services({HOST: "KEY"}, scrub=False)
        yield made


@pytest.fixture
def program(crashing: Program, options: list[str]) -> Program:
    """Its worker is up, the vault open, and KEY is `first value`."""
    if crashing.worker is None:
        restart(crashing, options)
    crashing.command("unseal")
    crashing.command("credential", "set", "KEY", input="first value")
    return crashing


def operator(program: Program) -> SyncClient:
    """A client with an operator session."""
    socket = Path(program.socket)
    session = SyncClient(Target(socket=socket)).send(calls.unlock("password", program.master))
    return SyncClient(Target(socket=socket, token=session.token))


def restart(program: Program, options: list[str]) -> None:
    """Start again on what a kill has left, unattended."""
    program.start(*options, environment=program.proving)


def write_until_killed(client: SyncClient, acknowledged: list[int]) -> threading.Thread:
    """Set KEY to one number after the other; what was acknowledged is in the list."""

    def write() -> None:
        number = acknowledged[-1]
        try:
            while True:
                number += 1
                client.send(calls.set_credentials({"KEY": str(number)}, "default"))
                acknowledged.append(number)
        except VaultError:
            return

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_an_acknowledged_change_survives(program: Program, options: list[str]) -> None:
    """Kills amid changes: the value is the last acknowledged, or the one under way."""
    chance = random.Random(7)
    acknowledged = [0]
    program.command("credential", "set", "KEY", input="0")
    for _ in range(KILLS):
        aim = acknowledged[-1] + chance.randint(1, 25)
        writer = write_until_killed(operator(program), acknowledged)
        while acknowledged[-1] < aim:
            writer.join(chance.random() / 500)
            assert writer.is_alive()
        assert program.end(signal.SIGKILL) == -signal.SIGKILL
        writer.join(10)
        restart(program, options)
        found = operator(program).send(calls.credentials("default", reveal=True, key="KEY"))
        assert found.credentials is not None
        value = int(found.credentials[0].value or "")
        assert value in (acknowledged[-1], acknowledged[-1] + 1)
        acknowledged.append(value)
    assert program.end() == 0
    with closing(sqlite3.connect(program.home / "vault.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_change_is_kept_from_the_moment_the_command_returns(
    program: Program, options: list[str]
) -> None:
    """`credential set` returned, the worker is killed at once: the value is there."""
    program.command("credential", "set", "LATE", input="just in time")
    program.end(signal.SIGKILL)
    restart(program, options)
    shown = program.command("credential", "get", "LATE", "--reveal").stdout
    assert shown == "just in time\n"


def test_what_agents_hold_stays_valid(
    program: Program, options: list[str], need: Callable[[str], str], tmp_path: Path
) -> None:
    """After a kill the agent's token, the CA it trusts and the services are what they were."""
    token = program.agent("steady")
    root = tmp_path / "ca.pem"
    program.command("ca", "--out", str(root))
    services = program.command("service", "list", "--json").stdout
    program.end(signal.SIGKILL)
    restart(program, options)
    assert program.command("ca").stdout.strip() == root.read_text().strip()
    assert program.command("service", "list", "--json").stdout == services
    proxy = f"http://{token}:default@{program.proxy}"
    command = [need("curl"), "-sS", "--cacert", str(root), "-x", proxy, f"https://{HOST}/"]
    done = subprocess.run(command, capture_output=True, text=True, env=program.environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Authorization: Bearer first value"


def test_a_killed_worker_comes_back_sealed_without_its_password(
    program: Program, options: list[str]
) -> None:
    """Nothing on disk opens the vault: without a slot to try, it stays sealed."""
    program.end(signal.SIGKILL)
    program.start(*options)
    assert "sealed" in program.command("status", "--short").stdout
    assert program.command("credential", "get", "KEY", "--reveal", check=False).returncode == 3
