"""`vault-tui run` against a real worker."""

import json
import signal
import ssl
import subprocess
from contextlib import closing

from proxy_core.client import calls
from proxy_core.client.sse import EventReader
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.events import Event
from tests.cli.conftest import PROGRAM, CommandLine


def operator(vault_tui: CommandLine) -> SyncClient:
    """A client of the worker."""
    return SyncClient(Target(socket=vault_tui.home / "worker.sock", token=vault_tui.token))


def sessions(vault_tui: CommandLine) -> set[str]:
    """Ids of the live scoped sessions, asked of the worker."""
    return {one.id for one in operator(vault_tui).send(calls.sessions()).sessions}


def sessions_left(vault_tui: CommandLine) -> int:
    """How many there are."""
    return len(sessions(vault_tui))


def wait_for_revocation(vault_tui: CommandLine, session_id: str) -> None:
    """Until the worker tells of it; what it told before counts. Raises TimeoutError."""
    stream = calls.event_stream(0, ("session.revoked",))
    connection, answer = operator(vault_tui).open(stream, 60, {"Accept": "text/event-stream"})
    reader = EventReader()
    with closing(connection):
        while data := answer.read1(65536):
            for note in reader.feed(data):
                if isinstance(note, Event) and note.data["id"] == session_id:
                    return
    raise AssertionError("the stream ended")


def test_the_command_gets_a_session_and_not_the_secrets(vault_tui: CommandLine) -> None:
    """Its environment has the proxy and a placeholder; the operator's proof is not in it."""
    vault_tui.ok("credential", "set", "RUN_TOKEN", stdin="the-real-one")
    add = ("service", "add", "--name", "run-svc", "--host", "run.example", "--auth", "bearer")
    vault_tui.ok(*add, "--token", "RUN_TOKEN")
    shown = vault_tui.ok("run", "--", "env", RUN_TOKEN="the-real-one")
    seen = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    assert seen["RUN_TOKEN"] == "__run_token__"
    assert seen["AGENT_VAULT_TOKEN"].startswith("vt_sess_")
    assert seen["AGENT_VAULT_TOKEN"] in seen["HTTPS_PROXY"]
    assert "VAULT_TUI_TOKEN" not in seen
    assert "the-real-one" not in shown
    assert ssl.create_default_context(cafile=seen["SSL_CERT_FILE"]).get_ca_certs()
    kept = vault_tui.ok("run", "--keep-env", "--", "env", RUN_TOKEN="the-real-one")
    assert "RUN_TOKEN=the-real-one" in kept


def test_inside_run_the_command_line_is_the_agents(vault_tui: CommandLine) -> None:
    """It may discover; revealing is refused with 5, and so is the socket without the token."""
    script = """
    "$@" discover >/dev/null || exit 1
    "$@" credential list --reveal; test $? = 5 || exit 2
    env -u AGENT_VAULT_TOKEN "$@" status; test $? = 5 || exit 3
    env -u AGENT_VAULT_TOKEN setsid -w "$@" status; test $? = 5 || exit 4
    """
    done = vault_tui("run", "--", "sh", "-c", script, "sh", *PROGRAM)
    assert done.returncode == 0, done.stderr


def test_the_session_is_revoked_at_the_end(vault_tui: CommandLine) -> None:
    """After success, failure, a signal, and a command that does not exist."""
    before = sessions_left(vault_tui)
    assert vault_tui("run", "--", "sh", "-c", "exit 9").returncode == 9
    assert vault_tui("run", "--", "sh", "-c", "kill -KILL $$").returncode == 137
    assert vault_tui("run", "--", "no-such-program-here").returncode == 127
    assert sessions_left(vault_tui) == before


def test_a_terminated_run_ends_its_command_and_session(vault_tui: CommandLine) -> None:
    """SIGTERM reaches the command; the session goes with it."""
    before = sessions_left(vault_tui)
    with subprocess.Popen(
        [*PROGRAM, "run", "--", "sh", "-c", "echo up; exec sleep 300"],
        env=vault_tui.environment(VAULT_TUI_TOKEN=vault_tui.token),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        assert sessions_left(vault_tui) == before + 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    assert sessions_left(vault_tui) == before


def test_a_killed_run_ends_its_command_and_session(vault_tui: CommandLine) -> None:
    """The kernel tells the command, and the worker sees that the session is nobody's."""
    before = sessions(vault_tui)
    with subprocess.Popen(
        [*PROGRAM, "run", "--", "sh", "-c", "echo up; exec sleep 300"],
        env=vault_tui.environment(VAULT_TUI_TOKEN=vault_tui.token),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        (made,) = sessions(vault_tui) - before
        process.kill()
        assert process.stdout.read() == ""  # the command holds it no longer
    wait_for_revocation(vault_tui, made)
    assert sessions(vault_tui) == before


def test_run_needs_an_open_vault(bare: CommandLine) -> None:
    """A worker is started, and says what is missing: 3."""
    assert bare.as_peer("start", "--port", "0", "--proxy-port", "0").returncode == 0
    done = bare.as_peer("run", "--", "true")
    assert done.returncode == 3
    assert "vault-tui init" in done.stderr


def test_logs_follow_shows_a_request_as_it_ends(vault_tui: CommandLine) -> None:
    """A request of an agent appears live, once, as one JSON line that holds no query."""
    request = "curl -s -o /dev/null http://follow.invalid/path?secret=1"
    with subprocess.Popen(
        [*PROGRAM, "logs", "-f", "--json", "--filter", "host:follow.invalid"],
        env=vault_tui.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as follower:
        assert follower.stdout is not None
        try:
            # The request is repeated until the follower has its stream: then one line is enough.
            with subprocess.Popen(
                [*PROGRAM, "run", "--", "sh", "-c", f"while :; do {request}; sleep 0.2; done"],
                env=vault_tui.environment(VAULT_TUI_TOKEN=vault_tui.token),
                start_new_session=True,
            ) as agent:
                line = follower.stdout.readline()
                agent.terminate()
        finally:
            follower.terminate()
    record = json.loads(line)
    assert record["host"] == "follow.invalid"
    assert record["path"] == "/path"
    assert "secret" not in line
