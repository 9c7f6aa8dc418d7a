"""Who may use the control socket: the kernel's word, process trees, and terminals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.processes import read_process
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.services.events import Follow
from proxy_core.services.operators import Terminal
from proxy_core.services.principal import Permission
from proxy_core.worker import access
from proxy_core.worker.access import Caller, Gatekeeper
from proxy_core.worker.peers import Peer, has_run_marker, lineage
from tests.worker.harness import PASSWORD, ThreadedWorker, own_terminal

# Waits for a line, then asks for the status and prints the code; as a grandchild with "deep".
ASK = """
import subprocess, sys
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from pathlib import Path
if sys.argv[2] == "deep":
    sys.stdin.readline()
    sys.exit(subprocess.run([sys.executable, "-c", sys.argv[3], sys.argv[1], "now", ""]).returncode)
if sys.argv[2] == "wait":
    sys.stdin.readline()
try:
    SyncClient(Target(socket=Path(sys.argv[1]))).send(calls.status())
    print("served")
except VaultError as error:
    print(error.code)
"""


class Child:
    """A process that asks the worker when told to."""

    def __init__(self, worker: ThreadedWorker, mode: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", ASK, str(worker.socket), mode, ASK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )

    def answer(self) -> str:
        return self.process.communicate("go\n", timeout=30)[0].strip()


@pytest.fixture(autouse=True)
def _operator(worker: ThreadedWorker) -> None:
    worker.end_operators()
    worker.in_loop(worker.running.app.operators.open, own_terminal(), "tester")


def refusals_after(worker: ThreadedWorker, seq: int) -> int:
    """How often consoles were told since of one that was refused; other things happen meanwhile."""
    follow = Follow(types={EventType.OPERATOR_REFUSED.value})
    return len(worker.in_loop(worker.running.app.bus._read, seq, follow).events)


def test_a_plain_child_is_served(worker: ThreadedWorker) -> None:
    """An ordinary process of the worker's user may read the status."""
    assert Child(worker, "wait").answer() == "served"


@pytest.mark.parametrize("mode", ["wait", "deep"])
def test_a_registered_run_and_its_descendants_are_refused(
    worker: ThreadedWorker, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """What `run` started gets nothing on the socket, however deep; and consoles are told."""
    monkeypatch.setattr(access, "REFUSAL_SECONDS", 0.0)
    child = Child(worker, mode)
    worker.in_loop(worker.running.app.runs.register, child.process.pid)
    before = worker.running.app.bus.last_seq
    assert child.answer() == "agent_process"
    assert refusals_after(worker, before) == 1


def test_a_run_registers_with_its_session(worker: ThreadedWorker) -> None:
    """`POST /v1/sessions` with run_pid shuts that process tree out."""
    child = Child(worker, "wait")
    worker.client().send(calls.create_session("default", run_pid=child.process.pid))
    assert child.answer() == "agent_process"


def test_a_run_of_someone_else_cannot_be_registered(worker: ThreadedWorker) -> None:
    """Nobody can shut out a process that is neither itself nor its child."""
    with pytest.raises(VaultError) as caught:
        worker.client().send(calls.create_session("default", run_pid=os.getppid()))
    assert caught.value.code == "bad_request"


def test_the_run_marker_in_the_environment_is_refused(worker: ThreadedWorker) -> None:
    """A process that shows an agent's token in its environment is an agent's, tree or not."""
    assert Child(worker, "now", AGENT_VAULT_TOKEN="vt_sess_x").answer() == "agent_process"
    assert Child(worker, "deep", AGENT_VAULT_TOKEN="vt_sess_x").answer() == "agent_process"


def test_knocking_floods_no_console(
    worker: ThreadedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is announced, and the next ones not before a while has passed."""
    told = []
    for seconds in (0.0, 3600.0, 3600.0, 0.0):
        monkeypatch.setattr(access, "REFUSAL_SECONDS", seconds)
        before = worker.running.app.bus.last_seq
        assert Child(worker, "now", AGENT_VAULT_TOKEN="vt_sess_x").answer() == "agent_process"
        told.append(refusals_after(worker, before))
    assert told == [1, 0, 0, 1]


def test_unlock_counts_for_this_terminal_only(worker: ThreadedWorker) -> None:
    """An operator session belongs to the terminal's session; another session is a mere peer."""
    assert worker.client().send(calls.status()).operator
    other = subprocess.run(
        [
            *("setsid", "--wait", "curl", "-sS", "--unix-socket", str(worker.socket)),
            "http://localhost/v1/status",
        ],
        capture_output=True,
        check=True,
    )
    assert json.loads(other.stdout)["operator"] is False


def test_unlock_proves_a_slot(worker: ThreadedWorker) -> None:
    """The right password opens a session for the terminal; lock ends it; a wrong one does not."""
    client = worker.client()
    client.send(calls.lock())
    with pytest.raises(VaultError) as caught:
        client.send(calls.credentials(reveal=True))
    assert caught.value.code == "operator_required"
    with pytest.raises(VaultError) as caught:
        client.send(calls.unlock("password", "wrong password"))
    assert caught.value.code == "wrong_key"
    assert not client.send(calls.status()).operator
    token = client.send(calls.unlock("password", PASSWORD)).token
    assert client.send(calls.status()).operator
    assert worker.tcp_client(token).send(calls.status()).operator
    client.send(calls.lock())
    assert not client.send(calls.status()).operator


def test_sealing_and_unlocking_stay_off_the_network(worker: ThreadedWorker) -> None:
    """No key is proved over TCP, not even by who holds a token."""
    token = worker.in_loop(worker.running.app.operators.open, None, "tester").token
    for bearer, code in (("", "unauthorized"), (token, "role_forbidden")):
        with pytest.raises(VaultError) as caught:
            worker.tcp_client(bearer).send(calls.unlock("password", PASSWORD))
        assert caught.value.code == code


def test_no_file_is_made_for_the_network(worker: ThreadedWorker, tmp_path: Path) -> None:
    """Who rules from elsewhere makes no key file on this machine, nor learns what is there."""
    token = worker.in_loop(worker.running.app.operators.open, None, "tester").token
    for place in (tmp_path / "new.key", Path("/")):
        with pytest.raises(VaultError) as caught:
            worker.tcp_client(token).send(calls.add_slot("keyfile", path=str(place)))
        assert caught.value.code == "role_forbidden"
    assert not any(tmp_path.glob("*.key"))


def test_a_peer_that_has_ended_is_refused(worker: ThreadedWorker) -> None:
    """Who cannot be looked at any more is not trusted, though the connection is open."""
    process = subprocess.Popen(["sleep", "60"])
    peer = Peer(process.pid, os.geteuid(), os.getegid(), os.pidfd_open(process.pid))
    gate = Gatekeeper(worker.running.app)
    assert isinstance(worker.in_loop(gate.caller, peer, None), Caller)
    process.kill()
    process.wait()
    with pytest.raises(VaultError) as caught:
        worker.in_loop(gate.caller, peer, None)
    assert caught.value.code == "agent_process"
    peer.close()


def test_a_reused_pid_is_another_process() -> None:
    """The same pid with another start time is not the peer that connected."""
    process = subprocess.Popen(["sleep", "60"])
    peer = Peer(process.pid, os.geteuid(), os.getegid(), None)
    assert peer.is_alive
    assert peer.process is not None
    object.__setattr__(peer.process, "started", peer.process.started - 1)
    assert not peer.is_alive
    process.kill()
    process.wait()


def test_a_foreign_user_is_refused(worker: ThreadedWorker) -> None:
    """Whatever the socket's mode, another uid is not served without the group."""
    stranger = Peer(os.getpid(), 54321, 54321, None)
    with pytest.raises(VaultError) as caught:
        worker.in_loop(Gatekeeper(worker.running.app).caller, stranger, None)
    assert caught.value.code == "role_forbidden"
    gate = Gatekeeper(worker.running.app, group=54321)
    assert worker.in_loop(gate.caller, stranger, None).principal.kind == "peer"


def test_a_user_of_the_sockets_group_reads_until_a_slot_is_proved(worker: ThreadedWorker) -> None:
    """The group alone is a peer, whose terminal is its own; the worker's keys are not for it."""
    stranger = Peer(os.getpid(), 54321, 54321, None)
    gate = Gatekeeper(worker.running.app, group=54321)
    caller: Caller = worker.in_loop(gate.caller, stranger, None)
    assert not caller.is_own_user  # so no keyring or key file is opened for it
    with pytest.raises(VaultError) as caught:
        caller.authorize(Permission.CHANGE_CREDENTIALS, "default")
    assert caught.value.code == "operator_required"
    proof = wire.KeyProof(slot="password", secret=PASSWORD)
    worker.run(worker.running.app.operators.unlock(proof, caller.terminal, caller.known()))
    unlocked: Caller = worker.in_loop(gate.caller, stranger, None)
    assert unlocked.authorize(Permission.CHANGE_CREDENTIALS, "default").is_operator


def test_a_lineage_ends_at_the_first_process() -> None:
    """The chain starts with the process itself and goes up through its parent."""
    me = read_process(os.getpid())
    assert me is not None
    pids = [process.pid for process in lineage(me)]
    assert pids[:2] == [os.getpid(), os.getppid()]
    assert not has_run_marker(me)


def test_a_command_name_cannot_forge_its_parent() -> None:
    """A name with parentheses and spaces in it is still read right."""
    script = (
        "import ctypes, sys; ctypes.CDLL(None).prctl(15, b') R 1 1 1', 0, 0, 0);"
        "print(flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    found = read_process(process.pid)
    assert found is not None
    assert found.parent == os.getpid()
    process.communicate(b"")


def test_terminals_of_reused_leaders_differ() -> None:
    """A session leader's start time is part of the terminal."""
    terminal = own_terminal()
    assert terminal is not None
    assert terminal != Terminal(terminal.uid, terminal.session_id, terminal.started + 1)
