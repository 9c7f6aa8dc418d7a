"""An HTTPS server on a free port of this machine, with a certificate for hosts elsewhere."""

import ssl
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme


class Served:
    """Answers at such a server until `stop`; `ca` is the root of its certificate."""

    ca: Path
    port: int

    def serve(self, handler: type[BaseHTTPRequestHandler], hosts: Iterable[str], ca: Path) -> None:
        """Listen; the root is written to `ca`."""
        self._server = _serve_tls(handler, hosts, ca)
        self.ca, self.port = ca, self._server.server_port

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections, and the test's output clean."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _serve_tls(
    handler: type[BaseHTTPRequestHandler], hosts: Iterable[str], ca: Path
) -> ThreadingHTTPServer:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
