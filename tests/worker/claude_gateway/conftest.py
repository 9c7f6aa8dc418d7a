"""One worker for all of the gateway protocol's tests."""

import ssl
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
import trustme

from proxy_core.client import calls
from tests.worker.claude_gateway.rig import SECRET, Gateway, Upstream
from tests.worker.harness import ThreadedWorker


@pytest.fixture(scope="package")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A worker for which api.anthropic.com is on this machine."""
    place = tmp_path_factory.mktemp("gateway")
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("api.anthropic.com").configure_cert(context)
    ca.cert_pem.write_to_path(str(place / "ca.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    worker = ThreadedWorker(
        place / "home",
        connect_to=(f"api.anthropic.com:443:127.0.0.1:{server.server_port}",),
        upstream_ca=(place / "ca.pem",),
        public_url="https://vault.example.com",
    ).start()
    worker.init()
    client = worker.client()
    client.send(calls.set_credentials({"ANTHROPIC": SECRET}))
    auth = {"type": "api-key", "key": "ANTHROPIC", "header": "x-api-key"}
    service = {"name": "claude", "host": "api.anthropic.com", "auth": auth}
    other = {"name": "other", "host": "api.example.com", "auth": {"type": "passthrough"}}
    gateways = (
        {**service, "gateway": {"prefix": "anthropic"}},
        {**other, "gateway": {"prefix": "x"}},
    )
    client.send(calls.upsert_services(list(gateways)))
    client.send(calls.change_settings({"unlock_minutes": 720}))
    found = Gateway(worker)
    yield found
    found.http.close()
    worker.stop()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def afresh(gateway: Gateway) -> None:
    """What an earlier test has asked for is no matter of the limits."""
    gateway.clock.advance(600)
