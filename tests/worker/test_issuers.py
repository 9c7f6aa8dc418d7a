"""JWTs of a real OpenID provider at a whole worker: at the proxy, the gateway and the API."""

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import trustme

from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.services.audit.auditing import AuditQuery
from proxy_core.services.issuers import keys
from tests.oauth.issuer import provider
from tests.worker.harness import ThreadedWorker

SECRET = "real-secret-0123456789"


class Api(BaseHTTPRequestHandler):
    """Takes the real credential alone."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        good = self.headers["Authorization"] == f"Bearer {SECRET}"
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def idp() -> Iterator[str]:
    """The provider's URL."""
    with provider("jwts.mjs") as url:
        yield url


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker with a service at api.test, which is on this machine."""
    tmp_path = tmp_path_factory.mktemp("issuers")
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("api.test").configure_cert(context)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    running = ThreadedWorker(
        tmp_path / "home",
        connect_to=(f"api.test:443:127.0.0.1:{server.server_port}",),
        upstream_ca=(tmp_path / "ca.pem",),
        allow_http_token_urls=True,
    ).start()
    running.init()
    running.client().send(calls.set_credentials({"KEY": SECRET}))
    service = {"name": "api", "host": "api.test", "auth": {"type": "bearer", "token": "KEY"}}
    running.client().send(calls.upsert_services([{**service, "gateway": {"prefix": "api"}}]))
    grant = wire.AgentVault(vault_name="default")
    running.client().send(calls.create_agent("ci-bot", vaults=[grant]))
    yield running
    running.stop()
    server.shutdown()
    server.server_close()


def trust(worker: ThreadedWorker, url: str) -> None:
    """Trust the provider: its client `ci` is the agent ci-bot, `ada` may use the vault, and users
    are known by their addresses.
    """
    rules = [
        wire.IssuerRule(claim="sub", equals="ci", agent="ci-bot"),
        wire.IssuerRule(claim="sub", equals="ada", vault="default"),
        wire.IssuerRule(claim="email", matches="*@example.com", user_by="email"),
    ]
    wanted = wire.AddIssuer(name="corp", url=url, audiences=["vault"], rules=rules)
    known = worker.client().send(calls.issuers()).issuers
    worker.client().send(calls.replace_issuer(wanted) if known else calls.add_issuer(wanted))


def token_of(idp: str, client: str) -> str:
    """A new access token."""
    form = {"grant_type": "client_credentials", "scope": "api"}
    found = httpx.post(f"{idp}/token", data=form, auth=(client, "secret"), trust_env=False)
    token: str = found.json()["access_token"]
    return token


def through_the_proxy(worker: ThreadedWorker, token: str) -> int:
    """The status of a request through a tunnel."""
    pem = worker.client().send(calls.ca_pem())
    trusted = ssl.create_default_context(cadata=pem.decode() if isinstance(pem, bytes) else pem)
    proxy = httpx.Proxy(f"http://{worker.running.facts.proxy}", auth=(token, ""))
    with httpx.Client(proxy=proxy, verify=trusted, trust_env=False, timeout=30) as client:
        return client.get("https://api.test/").status_code


def at_the_gateway(worker: ThreadedWorker, **headers: str) -> int:
    """The status of a request to the gateway."""
    url = f"http://{worker.running.facts.proxy}/api/"
    return httpx.get(url, headers=headers, trust_env=False, timeout=30).status_code


def test_its_jwts_are_taken_wherever_an_agents_token_is(worker: ThreadedWorker, idp: str) -> None:
    """The log names the agent, or the subject and its issuer; whoever no rule names is refused."""
    trust(worker, idp)
    for client in ("ci", "ada"):
        token = token_of(idp, client)
        assert through_the_proxy(worker, token) == 200
        assert at_the_gateway(worker, Authorization=f"Bearer {token}") == 200
        found = worker.ask("GET", "/discover", token=token)
        assert found.status == 200
        assert "KEY" in found.json["available_credentials"]
        assert worker.ask("GET", "/v1/credentials?reveal=true", token=token).status == 403
    assert at_the_gateway(worker, **{"x-api-key": token}) == 200
    worker.run(worker.running.app._context.log.flush())
    logs = worker.client().send(calls.logs(limit=5)).logs
    assert [(log.actor_type, log.actor_name) for log in reversed(logs)] == [
        *[("agent", "ci-bot")] * 2,
        *[("session", "ada@corp")] * 3,
    ]
    eve = token_of(idp, "eve")
    assert at_the_gateway(worker, Authorization=f"Bearer {eve}") == 401
    assert "no rule" in worker.ask("GET", "/discover", token=eve).json["message"]


def test_its_jwts_are_taken_where_a_users_token_is(worker: ThreadedWorker, idp: str) -> None:
    """At the API with the user's roles, and nowhere else; the audit names the user and the issuer.

    Whoever only says to have the address is nobody, and so is who was removed.
    """
    trust(worker, idp)
    worker.add_user("mary@example.com", "no-access", default="member")
    mary, mallory = token_of(idp, "mary"), token_of(idp, "mallory")
    me = worker.ask("GET", "/v1/auth/me", token=mary).json
    assert (me["type"], me["email"], me["issuer"]) == ("user", "mary@example.com", "corp")
    assert me["proved_until"]
    client = worker.tcp_client(mary)
    client.send(calls.set_credentials({"MINE": "mine"}))
    shown = client.send(calls.credentials("default", reveal=True)).credentials
    assert shown is not None
    assert "mine" in [one.value for one in shown]
    assert worker.ask("GET", "/v1/issuers", token=mary).status == 403
    entries = worker.run(worker.running.app.auditing.page(AuditQuery())).entries
    done = next(one for one in entries if one.target == "MINE")
    assert (done.actor.kind, done.actor.name) == ("user", "mary@example.com")
    assert done.source["issuer"] == "corp"
    assert at_the_gateway(worker, Authorization=f"Bearer {mary}") == 401
    assert worker.ask("GET", "/v1/auth/me", token=mallory).status == 401
    worker.client().send(calls.remove_user("mary@example.com"))
    assert worker.ask("GET", "/v1/auth/me", token=mary).status == 401


def test_its_keys_may_change_at_any_time(
    worker: ThreadedWorker, idp: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new key's tokens are good at once; the withdrawn key's, once that is seen, no more."""
    monkeypatch.setattr(keys, "RETRY_SECONDS", 0.0)
    trust(worker, idp)
    before = token_of(idp, "ada")
    assert at_the_gateway(worker, Authorization=f"Bearer {before}") == 200
    httpx.post(f"{idp}/rotate", trust_env=False)
    after = token_of(idp, "ada")
    assert at_the_gateway(worker, Authorization=f"Bearer {after}") == 200
    assert at_the_gateway(worker, Authorization=f"Bearer {before}") == 401


def test_tunnels_end_with_their_issuer(worker: ThreadedWorker, idp: str) -> None:
    """An open one is cut when the issuer is removed, and none can be opened again."""
    trust(worker, idp)
    token = token_of(idp, "ci")
    host, _, port = worker.running.facts.proxy.rpartition(":")
    basic = base64.b64encode(f"{token}:default".encode()).decode()
    connect = (
        "CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n"
        f"Proxy-Authorization: Basic {basic}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as tunnel:
        tunnel.sendall(connect.encode())
        assert tunnel.recv(1000).startswith(b"HTTP/1.1 200")
        worker.client().send(calls.remove_issuer("corp"))
        with suppress(ConnectionResetError):
            assert tunnel.recv(1000) == b""
    with socket.create_connection((host, int(port)), timeout=30) as refused:
        refused.sendall(connect.encode())
        assert refused.recv(1000).startswith(b"HTTP/1.1 407")


def test_an_issuer_that_is_down_is_no_fault_of_the_clients(worker: ThreadedWorker) -> None:
    """503 on the CONNECT itself, so that clients try again; the status says what is wrong."""
    trust(worker, "http://127.0.0.1:9")
    claims = base64.urlsafe_b64encode(
        b'{"iss":"http://127.0.0.1:9","aud":"vault","sub":"ada","exp":9999999999}'
    )
    head = base64.urlsafe_b64encode(b'{"alg":"ES256"}')
    token = f"{head.rstrip(b'=').decode()}.{claims.rstrip(b'=').decode()}.c2ln"
    with pytest.raises(httpx.ProxyError, match="503"):
        through_the_proxy(worker, token)
    assert at_the_gateway(worker, Authorization=f"Bearer {token}") == 503
    assert "corp can't be fetched" in str(worker.client().send(calls.status()).problems)
