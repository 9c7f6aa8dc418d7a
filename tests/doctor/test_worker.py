"""Facts of a real worker: requests through its proxy, programs that have to trust its CA."""

import hashlib
import json
import os
import shutil
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.target import Target
from proxy_core.domain.claude_code import missing_services
from proxy_core.domain.doctor import Facts, diagnose
from tests.worker.harness import ThreadedWorker
from vault_tui.cli import root
from vault_tui.doctor.gather import Question, gather
from vault_tui.doctor.runtimes import Surroundings, runtime_checks
from vault_tui.worker_link import examiner

PROGRAMS = ("node", "python3", "curl", "git")
OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN": "__PLACEHOLDER__"}


class Upstream(BaseHTTPRequestHandler):
    """Answers what Claude Code asks first; counts everything else, which costs quota."""

    spent: list[str] = []  # noqa: RUF012 - one server a module
    date = ""

    def do_HEAD(self) -> None:
        self.send_response_only(200)
        if self.date:
            self.send_header("Date", self.date)
        self.end_headers()

    def do_TRACE(self) -> None:
        self.spent.append(self.path)

    do_GET = do_POST = do_TRACE

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Rig:
    """A worker with Claude Code's services, and a person's empty directory."""

    worker: ThreadedWorker
    user: Path
    programs: Path

    def ask(self, token: str = "", **environ: str) -> Question:
        """As an operator; `token` makes it an agent's question instead."""
        # Claude Code plays a part here: the way to its upstream is tried too.
        clean = {"HOME": str(self.user), "PATH": str(self.programs), **OAUTH, **environ}
        target = Target(socket=self.worker.socket)
        if token:
            target = Target(base_url=f"http://{self.worker.api}", token=token)
            clean["AGENT_VAULT_TOKEN"] = token
        home = Home(self.worker.config.home.path)
        return Question(target, home, "default", bool(token), self.user, clean)

    def session(self) -> str:
        """A session's token."""
        return self.worker.client().send(calls.create_session("default", 300, "test")).token

    def wired(self, token: str, ca: Path | None, **environ: str) -> dict[str, str]:
        """Variables that lead to the proxy, and to a CA file."""
        address = f"http://{token}:default@{self.worker.running.facts.proxy}"
        found = {"HTTPS_PROXY": address, "https_proxy": address, **environ}
        if ca is not None:
            names = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
            found |= dict.fromkeys((*names, "REQUESTS_CA_BUNDLE"), str(ca))
        return found

    def ca(self, place: Path) -> Path:
        """The worker's CA in a file."""
        place.write_text(self.worker.client().send(calls.ca_pem()))
        return place


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A worker for which api.anthropic.com is on this machine."""
    place, ca = tmp_path_factory.mktemp("doctor"), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("api.anthropic.com").configure_cert(context)
    ca.cert_pem.write_to_path(str(place / "up.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    worker = ThreadedWorker(
        place / "home",
        connect_to=(f"api.anthropic.com:443:127.0.0.1:{server.server_port}",),
        upstream_ca=(place / "up.pem",),
    ).start()
    worker.init()
    client = worker.client()
    client.send(calls.set_credentials({"ANTHROPIC": "sk-ant-real"}))
    client.send(calls.upsert_services(missing_services([])))
    (place / "user").mkdir()
    (place / "bin").mkdir()
    for name in PROGRAMS:
        if found := shutil.which(name):
            (place / "bin" / name).symlink_to(found)
    yield Rig(worker, place / "user", place / "bin")
    worker.stop()
    server.shutdown()
    server.server_close()


def codes(facts: Facts) -> list[str]:
    """Of what is wrong."""
    found = diagnose(facts)
    return [one.code for one in found.findings if one.level != "note"]


def test_all_is_well_by_a_real_request(rig: Rig) -> None:
    """An operator's session is made for it and revoked; nothing that costs reaches the upstream."""
    before = len(rig.worker.client().send(calls.sessions()).sessions)
    facts = gather(rig.ask())
    assert codes(facts) == []
    assert facts.worker.probe is not None
    assert facts.worker.probe.status == 200
    assert len(rig.worker.client().send(calls.sessions()).sessions) == before
    assert Upstream.spent == []


def test_without_claude_code_nothing_goes_to_its_upstream(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy's own refusal is enough to know that it works."""
    monkeypatch.setattr(Upstream, "date", "Mon, 01 Jan 2024 00:00:00 GMT")
    facts = gather(rig.ask(CLAUDE_CODE_OAUTH_TOKEN="", PATH="/nonexistent"))
    assert facts.claude is None
    assert facts.worker.probe is not None
    assert (facts.worker.probe.status, facts.worker.probe.code) == (403, "")
    assert codes(facts) == []
    assert Upstream.spent == []


def test_every_program_trusts_the_ca_by_its_variables(rig: Rig, tmp_path: Path) -> None:
    """Node.js, Python and curl by a handshake through the proxy, git by what it reads."""
    token = rig.session()
    question = rig.ask(token, **rig.wired(token, rig.ca(tmp_path / "ca.pem")))
    facts = gather(question)
    assert facts.wired
    assert codes(facts) == []
    seen = {one.name: one.trusts for one in facts.runtimes}
    installed = {name for name in PROGRAMS if shutil.which(name)}
    # On a busy machine one may not have come to its end in time: that is no "no".
    assert set(seen) == installed
    assert False not in seen.values()
    assert Upstream.spent == []


def test_programs_that_do_not_trust_it_are_named(rig: Rig, tmp_path: Path) -> None:
    """Another CA in the file: every certificate of the proxy is refused."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    token = rig.session()
    facts = gather(rig.ask(token, **rig.wired(token, other)))
    found = {one.name: one.trusts for one in facts.runtimes}
    assert True not in found.values()
    assert found["git"] is False
    assert {"ca_other", "runtime_ca"} <= set(codes(facts))
    assert facts.worker.probe is not None
    assert facts.worker.probe.status == 200


@pytest.mark.parametrize("named", [True, False])
def test_javas_key_store_is_asked_for_the_ca(rig: Rig, tmp_path: Path, named: bool) -> None:
    """By its fingerprint, in the store that its options name; no more than a note without it."""
    ca = rig.ca(tmp_path / "ca.pem")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca.read_text())).hexdigest().upper()
    listed = ":".join(digest[at : at + 2] for at in range(0, 64, 2)) if named else "00:11"
    for name, script in {
        "java": "",
        "keytool": f'echo "$@" | grep -q store.jks && echo {listed}',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    token = rig.session()
    options = f"-Djavax.net.ssl.trustStore={tmp_path}/store.jks"
    path = f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"
    environ = rig.wired(token, ca, PATH=path, JAVA_TOOL_OPTIONS=options)
    around = Surroundings(environ, ca.read_text(), "api.anthropic.com")
    (found,) = [one for check in runtime_checks(around)[-1:] if (one := check()) is not None]
    assert (found.name, found.trusts, found.optional) == ("java", named, True)


def test_a_revoked_token_is_told(rig: Rig) -> None:
    """By the API and by the proxy."""
    made = rig.worker.client().send(calls.create_session("default", 300, "test"))
    rig.worker.client().send(calls.revoke_session(made.id))
    facts = gather(rig.ask(made.token, **rig.wired(made.token, None, PATH="/nonexistent")))
    assert {"token_refused", "probe_refused"} <= set(codes(facts))
    assert made.token not in repr(facts)


@pytest.mark.parametrize("token", ["", "vt_op_ended"])
def test_nobody_signed_in_at_a_worker_elsewhere_is_told(rig: Rig, token: str) -> None:
    """Not passed over as if all were well; a session that has ended is no other thing."""
    address = f"http://{rig.worker.api}"
    question = replace(rig.ask(), target=Target(base_url=address, token=token))
    (found,) = diagnose(gather(question)).findings
    assert (found.code, found.remedy) == ("signed_out", f"vault-tui login --addr {address}")


def test_a_proxy_in_claude_codes_settings_is_tried(rig: Rig) -> None:
    """With the token that stands there, once it was revoked; the environment has none."""
    made = rig.worker.client().send(calls.create_session("default", 300, "test"))
    path = rig.user / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"env": rig.wired(made.token, None)}))
    try:
        assert codes(gather(rig.ask())) == []
        rig.worker.client().send(calls.revoke_session(made.id))
        assert codes(gather(rig.ask())) == ["probe_refused"]
    finally:
        shutil.rmtree(path.parent)


def test_a_token_for_the_gateway_is_tried(rig: Rig) -> None:
    """As it stands in Claude Code's settings: known, and once it was revoked."""
    made = rig.worker.client().send(calls.create_session("default", 300, "test"))
    path = rig.user / ".claude" / "settings.json"
    path.parent.mkdir()
    base = f"http://{rig.worker.running.facts.proxy}/anthropic"
    variables = {"ANTHROPIC_BASE_URL": base, "ANTHROPIC_AUTH_TOKEN": made.token}
    path.write_text(json.dumps({"env": variables}))
    try:
        assert codes(gather(rig.ask(CLAUDE_CODE_OAUTH_TOKEN=""))) == []
        rig.worker.client().send(calls.revoke_session(made.id))
        facts = gather(rig.ask(CLAUDE_CODE_OAUTH_TOKEN=""))
    finally:
        shutil.rmtree(path.parent)
    assert codes(facts) == ["gateway_token"]
    assert made.token not in repr(facts)


def test_a_ca_file_in_claude_codes_settings_is_looked_at(rig: Rig) -> None:
    """Where only they lead to the proxy."""
    path = rig.user / ".claude" / "settings.json"
    path.parent.mkdir()
    wired = rig.wired(rig.session(), None, NODE_EXTRA_CA_CERTS="ca.pem")
    path.write_text(json.dumps({"env": wired}))
    try:
        assert codes(gather(rig.ask())) == ["ca_relative"]
    finally:
        shutil.rmtree(path.parent)


def test_another_clock_upstream_is_told(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the Date of its answer."""
    monkeypatch.setattr(Upstream, "date", "Mon, 01 Jan 2024 00:00:00 GMT")
    found = [one for one in diagnose(gather(rig.ask())).findings if one.code == "clock"]
    assert "api.anthropic.com" in found[0].what


def test_a_missing_credential_and_an_open_file_are_told(rig: Rig) -> None:
    """Of the vault and of the data directory at once."""
    client = rig.worker.client()
    auth = {"type": "bearer", "token": "ABSENT_TOKEN"}
    client.send(calls.set_credentials({"ABSENT_TOKEN": "x"}))
    client.send(calls.upsert_services([{"name": "one", "host": "one.test", "auth": auth}]))
    client.send(calls.delete_credentials(["ABSENT_TOKEN"]))
    log = rig.worker.config.home.path / "worker.log"
    log.touch()
    log.chmod(0o644)
    try:
        assert codes(gather(rig.ask())) == ["credential_missing", "file_mode"]
    finally:
        client.send(calls.remove_service("one"))
        log.unlink()


def test_refusals_in_the_log_are_explained(rig: Rig) -> None:
    """The newest of a host counts."""
    from tests.console.fake_worker import record
    from vault_tui.doctor.symptoms import symptoms_of

    rows = [
        record(3, host="api.anthropic.com", status=401, started_at=999.0),
        record(2, host="api.anthropic.com", status=401, started_at=998.0),
        record(1, host="api.anthropic.com", status=200, started_at=997.0),
        record(4, host="platform.claude.com", status=200, started_at=996.0),
        record(5, host="169.254.169.254", status=403, started_at=995.0),
        record(6, host="metadata.google.internal", status=403, started_at=-9000.0),
    ]
    found = {(one.host, one.status, one.count) for one in symptoms_of(rows, 1000.0)}
    assert found == {("api.anthropic.com", 401, 2), ("169.254.169.254", 403, 1)}


def test_the_console_asks_the_same(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this machine's worker, and of one elsewhere without a proof."""
    monkeypatch.setenv("PATH", "/nonexistent")
    home = Home(rig.worker.config.home.path)
    remote = Target(base_url=f"http://{rig.worker.api}")
    for target in (None, remote):
        facts = examiner(home, target)("default")
        assert facts.worker.version == facts.version
        assert facts.worker.local is (target is None)


def run(monkeypatch: pytest.MonkeyPatch, question: Question, home: Path, *arguments: str) -> int:
    """`vault-tui doctor` in this process, in the question's environment."""
    for name in list(os.environ):
        if name.startswith(("ANTHROPIC", "CLAUDE", "AGENT_VAULT", "VAULT_TUI", "NO_", "no_")):
            monkeypatch.delenv(name)
    for name, value in {**question.environ, "VAULT_TUI_HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(question.directory)
    return root.run(("doctor", *arguments))


def test_the_command_says_one_line_when_all_is_well(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exits with 0."""
    assert run(monkeypatch, rig.ask(), rig.worker.config.home.path) == 0
    assert capsys.readouterr().out == "All is well.\n"


def test_the_command_shows_each_finding_with_its_cure(
    rig: Rig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And how Claude Code would log in, without a value; it exits with 1, in JSON too."""
    question = rig.ask(ANTHROPIC_API_KEY="sk-ant-secret", CLAUDE_CODE_OAUTH_TOKEN="other-secret")
    home = tmp_path / "none"
    assert run(monkeypatch, question, home) == 1
    shown = capsys.readouterr().out
    assert "→ vault-tui start" in shown
    assert "→ unset ANTHROPIC_API_KEY" in shown
    assert "x-api-key: ANTHROPIC_API_KEY (environment, 13 characters)" in shown
    assert "not CLAUDE_CODE_OAUTH_TOKEN (environment)" in shown
    assert run(monkeypatch, question, home, "--json") == 1
    said = capsys.readouterr().out
    document = json.loads(said)
    assert document["ok"] is False
    assert document["findings"][0]["code"] == "no_worker"
    assert document["findings"][0]["remedy"] == "vault-tui start"
    assert document["claude_code"]["headers"][1]["source"] == "ANTHROPIC_API_KEY"
    assert "sk-ant-secret" not in shown + said
    assert "other-secret" not in shown + said
