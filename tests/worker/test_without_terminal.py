"""Processes whose session nothing identifies: no unlock lasts, and a token is all there is."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.processes import Process
from proxy_core.client import calls
from proxy_core.worker.access import terminal_of
from proxy_core.worker.peers import Peer
from tests.sessions import run_leaderless
from tests.worker.harness import PASSWORD, ThreadedWorker

# Sends `calls` to the worker at `socket`, some with the token of the last answered session, and
# prints what came of each.
SCRIPT = """
import json, sys
from pathlib import Path
import msgspec
from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
token, answers = "", []
for name, arguments, with_token in json.loads(sys.argv[2]):
    client = SyncClient(Target(socket=Path(sys.argv[1]), token=token if with_token else ""))
    try:
        answer = msgspec.to_builtins(client.send(getattr(calls, name)(*arguments)))
    except VaultError as error:
        answer = {"code": error.code}
    found = answer.get("session") or answer
    token = found.get("token", token)
    answers.append(answer)
print(json.dumps(answers))
"""
STATUS, STATUS_BY_TOKEN = ("status", (), False), ("status", (), True)
UNLOCK = ("unlock", ("password", PASSWORD), False)


def answers(worker: ThreadedWorker, *asked: Any) -> list[dict[str, Any]]:
    """What a process without a leader is answered: each asked is name, arguments, by token."""
    words = ("-c", SCRIPT, str(worker.socket), json.dumps(asked))
    done = run_leaderless(sys.executable, *words, env=os.environ)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_only_the_token_is_an_operators(worker: ThreadedWorker) -> None:
    """The same process without it is a peer, although it has just proved a slot."""
    before, unlocked, without, by_token = answers(worker, STATUS, UNLOCK, STATUS, STATUS_BY_TOKEN)
    assert before["has_terminal"] is False
    assert unlocked["terminal"] is False
    assert without["operator"] is False
    assert by_token["operator"] is True


def test_lock_ends_the_token(worker: ThreadedWorker) -> None:
    """Afterwards it is unknown, as any wrong token."""
    *_, after = answers(worker, UNLOCK, ("lock", (), True), STATUS_BY_TOKEN)
    assert after == {"code": "unauthorized"}


def test_no_process_without_leader_inherits_anothers_unlock(worker: ThreadedWorker) -> None:
    """There is no identity that two of them share."""
    answers(worker, UNLOCK)
    assert answers(worker, STATUS)[0]["operator"] is False


def test_sessions_outside_the_namespace_are_no_terminal() -> None:
    """They all have the number 0, so that it says nothing."""
    peer = Peer(os.getpid(), os.geteuid(), os.getegid(), None)
    assert terminal_of(peer) is not None
    assert peer.process is not None
    peer.process = Process(peer.pid, peer.process.parent, 0, peer.process.started)
    assert terminal_of(peer) is None


def test_setting_up_and_unsealing_answer_a_token(
    fresh_worker: ThreadedWorker,
) -> None:
    """Whoever has just proved the key is an operator, by token where there is no terminal."""
    init, by_init = answers(fresh_worker, ("init", ("password", PASSWORD), False), STATUS_BY_TOKEN)
    assert init["sealed"] is False
    assert by_init["operator"] is True
    asked = (UNLOCK, ("seal", (), True), ("unseal", ("password", PASSWORD), False))
    *_, unseal, by_unseal = answers(fresh_worker, *asked, STATUS_BY_TOKEN)
    assert unseal["session"]["terminal"] is False
    assert by_unseal["operator"] is True


def test_in_a_terminal_no_token_is_answered(fresh_worker: ThreadedWorker) -> None:
    """It has been unlocked, and nothing needs to be kept."""
    client = fresh_worker.client()
    assert client.send(calls.init("password", PASSWORD)).session is None
    assert client.send(calls.status()).has_terminal
    assert client.send(calls.seal()).session is None
    assert client.send(calls.unseal("password", PASSWORD)).session is None
    assert client.send(calls.unlock("password", PASSWORD)).terminal
    assert not client.send(calls.unlock("password", PASSWORD, for_command=True)).terminal


def test_the_worker_fetches_the_key_for_its_own_user(
    fresh_worker: ThreadedWorker, tmp_path: Path
) -> None:
    """A key file slot opens without a terminal as it does with one."""
    fresh_worker.client().send(calls.init("keyfile", path=str(tmp_path / "key")))
    unlocked, by_token = answers(fresh_worker, ("unlock", ("keyfile",), False), STATUS_BY_TOKEN)
    assert unlocked["terminal"] is False
    assert by_token["operator"] is True


def test_nobody_over_tcp_has_a_terminal(worker: ThreadedWorker) -> None:
    """Terminals are of this machine's processes."""
    assert not worker.tcp_client().send(calls.status()).has_terminal
    with pytest.raises(VaultError) as caught:
        worker.tcp_client().send(calls.unlock("password", PASSWORD))
    assert caught.value.code == "unauthorized"
