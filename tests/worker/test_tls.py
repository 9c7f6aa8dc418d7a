"""The API over TLS: clients of other machines, renewal under way, and what is not served."""

import asyncio
import http.client
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.async_client import AsyncClient
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain import wire
from proxy_core.worker.chores import CERTIFICATE_TASK, renewing
from tests.worker.browser import Browser
from tests.worker.harness import ThreadedWorker, WorkerProcess
from tests.worker.test_proposals import new_agent
from tests.worker.tls import Authority

PUBLIC = "https://vault.example.com"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Its certificate names this machine and the public host."""
    made = Authority(tmp_path_factory.mktemp("tls"))
    made.issue("localhost", "127.0.0.1", "vault.example.com")
    return made


@pytest.fixture(scope="module")
def worker(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ThreadedWorker]:
    """Beyond loopback without --insecure, since it speaks TLS."""
    running = ThreadedWorker(
        tmp_path_factory.mktemp("tls-worker") / "home",
        host="0.0.0.0",
        tls_cert=authority.chain,
        tls_key=authority.key,
        public_url=PUBLIC,
    ).start()
    running.init()
    yield running
    running.stop()


def target(worker: ThreadedWorker, **more: object) -> Target:
    """The API by the name of this machine."""
    port = worker.api.rpartition(":")[2]
    return Target(base_url=f"https://localhost:{port}", **more)  # type: ignore[arg-type]  # a target's fields


def test_both_clients(worker: ThreadedWorker, authority: Authority) -> None:
    """With the CA named they are served; the control socket stays plain."""
    trusted = target(worker, ca_file=authority.ca_file)
    found = SyncClient(trusted).send(calls.status())
    assert (found.tls, found.api) == (True, worker.api)
    assert worker.client().send(calls.status()).tls

    async def ask() -> str:
        async with AsyncClient(trusted) as client:
            return (await client.send(calls.health())).status

    assert asyncio.run(ask()) == "ok"


def test_clients_learn_that_the_proxy_speaks_tls(
    worker: ThreadedWorker, fresh_worker: ThreadedWorker
) -> None:
    """Who makes a proxy's URL of what the API tells gets the scheme right as well."""
    fresh_worker.init()
    encrypted = worker.ask("GET", "/v1/mitm/ca.pem", tcp=False)
    plain = fresh_worker.ask("GET", "/v1/mitm/ca.pem", tcp=False)
    assert encrypted.headers["x-mitm-tls"] == "1"
    assert encrypted.headers["x-mitm-port"] == worker.running.facts.proxy.rpartition(":")[2]
    assert "x-mitm-tls" not in plain.headers


def test_a_stranger_is_told_apart(worker: ThreadedWorker, tmp_path: Path) -> None:
    """Without the CA, or for another name, both clients say that the certificate is not trusted."""
    other = Authority(tmp_path)

    async def ask(to: Target) -> None:
        async with AsyncClient(to) as client:
            await client.send(calls.health())

    for to in (target(worker), target(worker, ca_file=other.ca_file)):
        for send in (SyncClient(to).send, lambda _, to=to: asyncio.run(ask(to))):
            with pytest.raises(VaultError) as caught:
                send(calls.health())
            assert caught.value.code == "worker_untrusted"
            assert to.base_url in str(caught.value)


def test_what_does_not_fit(worker: ThreadedWorker, fresh_worker: ThreadedWorker) -> None:
    """Plain http to the TLS port, TLS to a plain one, no CA in the file: each its sentence."""
    port = worker.api.rpartition(":")[2]
    with pytest.raises(VaultError, match="plain http"):
        SyncClient(Target(base_url=f"http://127.0.0.1:{port}")).send(calls.health())
    with pytest.raises(VaultError, match="does not speak TLS"):
        SyncClient(Target(base_url=f"https://{fresh_worker.api}")).send(calls.health())
    with pytest.raises(VaultError, match="holds no PEM certificate") as caught:
        SyncClient(target(worker, ca_file=Path(__file__))).send(calls.health())
    assert caught.value.code == "bad_request"


def test_the_public_url(worker: ThreadedWorker, authority: Authority) -> None:
    """It is the base of addresses that are handed out, and its host and origin are our own."""
    session = worker.client().send(calls.create_session("default", 600))
    assert session.av_addr == PUBLIC
    assert worker.running.app.flows.providers.callback_uri == f"{PUBLIC}/v1/oauth/callback"
    for headers, status in (
        ({"Host": "vault.example.com"}, 200),
        ({"Host": "vault.example.com:443", "Origin": PUBLIC}, 200),
        ({"Host": "evil.example.com"}, 403),
        ({"Host": "vault.example.com", "Origin": "https://evil.example.com"}, 403),
        ({"Host": "vault.example.com", "Origin": "null"}, 403),
    ):
        assert ask(worker, authority, headers) == status, headers


def test_the_approval_page(worker: ThreadedWorker, authority: Authority) -> None:
    """Its address has the public base, and its cookie never goes without TLS."""
    token = new_agent(worker, "page-bot", "default")
    raised = SyncClient(target(worker, ca_file=authority.ca_file, token=token)).send(
        calls.create_proposal(wire.CreateProposal(credentials=[wire.ProposedCredential(key="KEY")]))
    )
    assert raised.approval_url.startswith(f"{PUBLIC}/approve/1?token=vt_appr_")
    browser = Browser(target(worker).base_url, authority.client_context())
    page = browser.get(raised.approval_url.removeprefix(PUBLIC))
    assert (page.status, "Sign in to decide" in page.text) == (200, True)
    (cookie,) = browser.set_cookies
    assert cookie.startswith("__Secure-")
    assert "; Secure" in cookie


def ask(worker: ThreadedWorker, authority: Authority, headers: dict[str, str]) -> int:
    """The status of a request for the health."""
    port = int(worker.api.rpartition(":")[2])
    context = authority.client_context()
    connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
    try:
        connection.request("GET", "/health", headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_renewal_leaves_connections_alone(initialised_home: Path, tmp_path: Path) -> None:
    """One that stands goes on; the next one gets the new certificate; wrong files are told."""
    authority = Authority(tmp_path)
    authority.issue("localhost", "old.test")
    worker = ThreadedWorker(
        initialised_home, tls_cert=authority.chain, tls_key=authority.key
    ).start()
    try:
        port = int(worker.api.rpartition(":")[2])
        context = authority.client_context()
        standing = http.client.HTTPSConnection("localhost", port, timeout=30, context=context)
        assert get(standing) == 200
        authority.issue("localhost", "new.test")
        renew(worker)
        assert "new.test" in names(port, context)
        assert get(standing) == 200
        authority.key.write_bytes(b"nothing")
        renew(worker)
        assert any("--tls-key" in one for one in worker.client().send(calls.status()).problems)
        assert "new.test" in names(port, context)
        standing.close()
    finally:
        worker.stop()


def renew(worker: ThreadedWorker) -> None:
    """What a hang-up starts, to its end."""
    certificate = worker.running.certificate
    assert certificate is not None
    task = worker.running.supervisor.carry_out(CERTIFICATE_TASK, renewing(certificate))
    asyncio.run_coroutine_threadsafe(task, worker.loop).result(30)


def get(connection: http.client.HTTPSConnection) -> int:
    """One request on a connection that is kept."""
    connection.request("GET", "/health")
    response = connection.getresponse()
    response.read()
    return response.status


def names(port: int, context: ssl.SSLContext) -> str:
    """The names in the certificate that a new connection is shown."""
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return str(secured.getpeercert())


def test_a_hang_up_renews(initialised_home: Path, tmp_path: Path) -> None:
    """SIGHUP to the process: it reads the files again, and serves on."""
    authority = Authority(tmp_path)
    authority.issue("localhost", "old.test")
    options = ("--tls-cert", str(authority.chain), "--tls-key", str(authority.key))
    worker = WorkerProcess(initialised_home, *options)
    port = int(worker.ready().split()[1].rpartition(":")[2])
    authority.issue("localhost", "new.test")
    context = authority.client_context()
    worker.process.send_signal(signal.SIGHUP)
    while "new.test" not in names(port, context):
        assert worker.process.poll() is None
    status, errors = worker.end()
    assert (status, "was renewed" in errors) == (0, True)
