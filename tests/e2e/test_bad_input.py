"""Whatever is wrong, the agent is told what, by whom, and what to do: a code and one sentence."""

import base64
import http.client
import json
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from tests.e2e.listeners import (
    answer_ok,
    certified,
    listen,
    never_answer,
    over_tls,
    save_root,
)
from tests.e2e.program import Program, connect_to
from tests.ports import reserved_port

pytestmark = [pytest.mark.xdist_group("e2e-bad-input"), pytest.mark.timeout(180)]

PLAIN = "plain.test"


@dataclass
class Harsh(Program):
    """A vault that denies unknown hosts, before upstreams that each fail in their own way."""

    token: str = ""
    expired: str = ""

    @property
    def proxy_address(self) -> tuple[str, int]:
        host, port = self.proxy.rsplit(":", 1)
        return host, int(port)


@dataclass
class Answer:
    """A response: its status, its fields with lower-case names, its text."""

    status: int
    fields: dict[str, str]
    text: str

    @property
    def problem(self) -> dict[str, object]:
        """The problem document, checked for what every refusal of ours has."""
        document = json.loads(self.text)
        assert self.fields["content-type"] == "application/problem+json"
        assert self.fields["x-vault-proxy-error"] == document["code"] == document["error"]
        assert self.fields["x-agent-vault-proxy-error"] == "true"
        assert document["status"] == self.status
        assert document["message"] == document["detail"]
        assert document["help"]
        return document


@pytest.fixture(scope="session")
def harsh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harsh]:
    """The worker and its upstreams; hosts without a listener are left to the network guard."""
    base = tmp_path_factory.mktemp("harsh")
    trusted, stranger = trustme.CA(), trustme.CA()
    serving = {
        "ok.test": over_tls(certified(trusted, "ok.test"), answer_ok),
        "off.test": over_tls(certified(trusted, "off.test"), answer_ok),
        "keyless.test": over_tls(certified(trusted, "keyless.test"), answer_ok),
        "othername.test": over_tls(certified(trusted, "ok.test"), answer_ok),
        "expired.test": over_tls(certified(trusted, "expired.test", expired=True), answer_ok),
        "stranger.test": over_tls(certified(stranger, "stranger.test"), answer_ok),
        "silent.test": over_tls(certified(trusted, "silent.test"), never_answer),
    }
    ports = {host: listen(serve) for host, serve in serving.items()}
    services = [*ports, "down.test", PLAIN, "nowhere.invalid", "169.254.169.254", "10.1.2.3"]
    plain = connect_to({PLAIN: listen(answer_ok)}, port=80)
    root = save_root(trusted, base / "root.pem")
    with reserved_port() as nobody, Harsh(base) as made:
        ports["down.test"] = nobody
        options = ["--upstream-ca", str(root), *connect_to(ports), *plain]
        made.set_up(*options)
        made.command("credential", "set", "KEY", input="upstream-secret")
        made.bearer_services(dict.fromkeys(services, "KEY") | {"keyless.test": "ABSENT_KEY"})
        made.command("service", "disable", "off-test")
        deny_unknown_hosts(made)
        made.token = made.agent("tester")
        made.expired = made.agent("short-lived", "--ttl", "60")
        made.end()
        let_time_pass(made.home / "vault.db", "short-lived")
        made.start(*options)
        made.command("unseal")
        made.command("unlock")
        yield made


def let_time_pass(database: Path, agent: str) -> None:
    """Move an agent's expiry into the past: the shortest lifetime is a minute."""
    with closing(sqlite3.connect(database)) as connection, connection:
        changed = connection.execute("UPDATE agent SET expires_at = 1 WHERE name = ?", [agent])
        assert changed.rowcount == 1


def deny_unknown_hosts(program: Program) -> None:
    """Set the policy of the vault `default`, as the console does."""
    client = SyncClient(Target(socket=Path(program.socket)))
    session = client.send(calls.unlock("password", program.master))
    client = SyncClient(Target(socket=Path(program.socket), token=session.token))
    client.send(calls.change_vault_settings("default", unmatched_host_policy="deny"))


@pytest.fixture
def curl(harsh: Harsh, need: Callable[[str], str], tmp_path: Path) -> Callable[..., Answer]:
    """curl as an agent runs it, under `vault-tui run`; its answer, which it always gets."""

    def fetch(url: str, *options: str) -> Answer:
        head, body = tmp_path / "head", tmp_path / "body"
        quiet = ("-sS", "--suppress-connect-headers", "-D", str(head), "-o", str(body))
        harsh.run(need("curl"), *quiet, *options, url)
        return parsed(head.read_bytes() + body.read_bytes())

    return fetch


def parsed(response: bytes) -> Answer:
    """The response that these bytes are."""
    head, _, body = response.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Answer(int(first.split()[1]), fields, body.decode())


def basic(token: str) -> str:
    """Proxy credentials as clients make them from a URL."""
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{token}:default".encode()).decode()


def connect(harsh: Harsh, *fields: str, host: str = "ok.test") -> Answer:
    """The answer to a CONNECT with these header fields, over a raw socket."""
    lines = [f"CONNECT {host}:443 HTTP/1.1", f"Host: {host}:443", *fields, "", ""]
    with socket.create_connection(harsh.proxy_address, 10) as link:
        link.sendall("\r\n".join(lines).encode())
        response = http.client.HTTPResponse(link, method="GET")
        response.begin()
        text = "" if response.status == 200 else response.read().decode()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, text)


@pytest.mark.parametrize(
    "field",
    [
        "X-Nothing: here",
        basic("vt_agt_" + "0" * 64),
        "Proxy-Authorization: Bearer vt_agt_" + "f" * 64,
        "Proxy-Authorization: Basic !!!",
        "Proxy-Authorization: Digest username=x",
    ],
    ids=["none", "unknown", "unknown-bearer", "no-base64", "other-scheme"],
)
def test_a_wrong_token_is_asked_for_another(harsh: Harsh, field: str) -> None:
    """Without a valid token CONNECT is answered 407, with the scheme that is wanted."""
    answer = connect(harsh, field)
    assert answer.status == 407
    assert answer.fields["proxy-authenticate"] == 'Basic realm="vault-tui"'
    assert answer.problem["code"] == "proxy_auth_required"


def test_an_expired_token_is_refused(harsh: Harsh) -> None:
    """A token whose time is over is said to have expired."""
    answer = connect(harsh, basic(harsh.expired))
    assert answer.status == 407
    assert answer.problem["code"] == "proxy_auth_required"
    assert "expired" in str(answer.problem["message"])


def test_a_revoked_token_is_refused(harsh: Harsh) -> None:
    """Deleting an agent ends its token at once."""
    token = harsh.agent("let-go")
    assert connect(harsh, basic(token)).status == 200
    harsh.command("agent", "delete", "let-go", "--yes")
    answer = connect(harsh, basic(token))
    assert answer.status == 407
    assert answer.problem["code"] == "proxy_auth_required"


def test_a_rotated_token_is_refused(harsh: Harsh) -> None:
    """Rotating an agent replaces its token: the old one ends, the new one works."""
    old = harsh.agent("turning")
    new = harsh.command("agent", "rotate", "turning").stdout.strip()
    assert connect(harsh, basic(old)).status == 407
    assert connect(harsh, basic(new)).status == 200


def test_curl_names_the_refusal_of_a_wrong_token(harsh: Harsh, need: Callable[[str], str]) -> None:
    """curl fails on the CONNECT itself and shows the status."""
    proxy = f"http://vt_agt_{'0' * 64}:default@{harsh.proxy}"
    command = [need("curl"), "-sS", "-x", proxy, "https://ok.test/"]
    done = subprocess.run(command, capture_output=True, text=True, env=harsh.environment)
    assert done.returncode == 56
    assert "407" in done.stderr


def test_what_is_right_passes(curl: Callable[..., Answer]) -> None:
    """The same vault serves a host whose service, credential and upstream are in order."""
    answer = curl("https://ok.test/fine")
    assert (answer.status, answer.text) == (200, "ok")


def test_an_unknown_host_is_forbidden_with_a_hint(curl: Callable[..., Answer]) -> None:
    """A vault that denies tells the agent, inside the tunnel, how to propose a service."""
    answer = curl("https://unknown.test/v1/things")
    assert answer.status == 403
    assert answer.problem["code"] == "forbidden"
    hint = answer.problem["proposal_hint"]
    assert hint["host"] == "unknown.test"
    assert hint["endpoint"] == "POST /v1/proposals"
    assert "bearer" in hint["supported_auth_types"]


def test_a_missing_credential_is_named_with_its_remedy(curl: Callable[..., Answer]) -> None:
    """The agent learns which key is missing and the command that stores it."""
    answer = curl("https://keyless.test/")
    assert answer.status == 502
    assert answer.problem["code"] == "credential_not_found"
    assert "ABSENT_KEY" in str(answer.problem["message"])
    assert "vault-tui credential set ABSENT_KEY" in str(answer.problem["message"])
    assert answer.fields["x-should-retry"] == "false"


def test_a_disabled_service_is_refused(curl: Callable[..., Answer]) -> None:
    """A service that an operator switched off is named as such."""
    answer = curl("https://off.test/")
    assert (answer.status, answer.problem["code"]) == (403, "service_disabled")
    assert "off-test" in str(answer.problem["message"])


def test_an_upstream_that_is_down(curl: Callable[..., Answer]) -> None:
    """Nobody listens upstream: the host, the port and the reason are told."""
    answer = curl("https://down.test/")
    assert (answer.status, answer.problem["code"]) == (502, "upstream_unreachable")
    assert "down.test port 443" in str(answer.problem["message"])
    assert "refused" in str(answer.problem["message"])


def test_a_name_that_does_not_exist(curl: Callable[..., Answer]) -> None:
    """A host without an address is unreachable, by name."""
    answer = curl("https://nowhere.invalid/")
    assert (answer.status, answer.problem["code"]) == (502, "upstream_unreachable")
    assert "nowhere.invalid" in str(answer.problem["message"])


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("othername.test", "not valid for 'othername.test'"),
        ("expired.test", "certificate has expired"),
        ("stranger.test", "unable to get local issuer certificate"),
    ],
)
def test_a_wrong_certificate(curl: Callable[..., Answer], host: str, sentence: str) -> None:
    """No credential goes to an upstream whose certificate is not right, and why is told."""
    answer = curl(f"https://{host}/")
    assert (answer.status, answer.problem["code"]) == (502, "upstream_tls")
    assert f"the certificate of {host} port 443 was not accepted" in str(answer.problem["message"])
    assert sentence in str(answer.problem["message"])
    assert answer.fields["x-should-retry"] == "false"


def test_an_upstream_that_never_answers(harsh: Harsh, curl: Callable[..., Answer]) -> None:
    """A limit set by the command line counts at the next request, and ends the wait with 504."""
    harsh.command("config", "set", "response_head_timeout", "1")
    try:
        answer = curl("https://silent.test/")
    finally:
        harsh.command("config", "set", "response_head_timeout", "600")
    assert (answer.status, answer.problem["code"]) == (504, "upstream_timeout")
    assert "silent.test" in str(answer.problem["message"])


@pytest.mark.parametrize("address", ["169.254.169.254", "10.1.2.3"])
def test_a_guarded_address(curl: Callable[..., Answer], address: str) -> None:
    """Cloud metadata and private networks are out of reach, service or not."""
    answer = curl(f"https://{address}/latest/meta-data/")
    assert (answer.status, answer.problem["code"]) == (403, "address_blocked")
    assert address in str(answer.problem["message"])


def test_plain_http_gets_no_credential(curl: Callable[..., Answer]) -> None:
    """A credential does not travel in the clear unless the service says that it may."""
    answer = curl(f"http://{PLAIN}/")
    assert (answer.status, answer.problem["code"]) == (403, "http_not_allowed")


def test_an_unknown_vault_is_told_inside_the_tunnel(
    harsh: Harsh, need: Callable[[str], str], tmp_path: Path
) -> None:
    """A vault that does not exist is no network fault: the tunnel opens and says so."""
    root = tmp_path / "ca.pem"
    harsh.command("ca", "--out", str(root))
    proxy = f"http://{harsh.token}:nosuch@{harsh.proxy}"
    command = [need("curl"), "-sSi", "--suppress-connect-headers", "--cacert", str(root)]
    command += ["-x", proxy, "https://ok.test/"]
    done = subprocess.run(command, capture_output=True, env=harsh.environment, check=True)
    answer = parsed(done.stdout)
    assert (answer.status, answer.problem["code"]) == (404, "vault_not_found")


def test_a_sealed_vault_answers_sealed(harsh: Harsh) -> None:
    """While sealed, agents are told so with a time to retry, and commands exit with 3.

    A CONNECT is accepted where there is a leaf already: then they are told inside.
    """
    assert connect(harsh, basic(harsh.token)).status == 200
    harsh.command("seal")
    try:
        assert connect(harsh, basic(harsh.token)).status == 200
        answer = connect(harsh, basic(harsh.token), host="never.test")
        assert (answer.status, answer.problem["code"]) == (503, "sealed")
        assert int(answer.fields["retry-after"]) > 0
        refused = harsh.run("true", check=False)
        assert refused.returncode == 3
        assert "sealed" in refused.stderr
    finally:
        harsh.command("unseal")
        harsh.command("unlock")
    assert connect(harsh, basic(harsh.token)).status == 200


def test_the_log_tells_the_refusals_apart(harsh: Harsh, curl: Callable[..., Answer]) -> None:
    """The operator reads the same code that the agent was given."""
    curl("https://unknown.test/seen")
    deadline = time.monotonic() + 60
    while True:
        lines = harsh.command("logs", "--json", "--filter", "path:/seen").stdout.splitlines()
        if lines or time.monotonic() > deadline:
            break
    record = json.loads(lines[-1])
    assert (record["status"], record["error_code"]) == (403, "forbidden")
    assert record["host"] == "unknown.test"
