"""An HTTPS server on a free port of this machine, with a certificate for hosts elsewhere."""

import ssl
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme


def serve_tls(
    handler: type[BaseHTTPRequestHandler], hosts: Iterable[str], ca: Path
) -> ThreadingHTTPServer:
    """Serve until its `shutdown`. The root of its certificate is written to `ca`."""
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
