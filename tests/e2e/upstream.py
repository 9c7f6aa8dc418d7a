"""An upstream for real clients, its own process: bodies, SSE, git, packages, WebSocket.

`python upstream.py CERT KEY TOKEN DIRECTORY` prints `ready PORT WEBSOCKET_PORT` and serves TLS on
127.0.0.1. DIRECTORY holds `repo.git` and `wheels/`. Every answer but the public ones wants
`Authorization: Bearer TOKEN`, exactly once.
"""

import asyncio
import hashlib
import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

BLOCK = 1 << 16


class Handler(BaseHTTPRequestHandler):
    """One route a method; `do_GET` and its kin find it by the path's first segment."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: the second must not wait
    token = ""
    directory = Path()
    heard = threading.Semaphore(0)

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""

    def answer_request(self) -> None:
        """Check the credential, then hand over to the route."""
        name = urlsplit(self.path).path.split("/")[1].replace(".", "_").replace("-", "dash")
        sent = self.headers.get_all("Authorization") or []
        if sent != [f"Bearer {self.token}"]:
            self.reply(401, {"error": f"{len(sent)} Authorization fields, none of them the token"})
            return
        getattr(self, f"route_{name}", self.route_missing)()

    do_GET = do_POST = do_PUT = answer_request

    def route_missing(self) -> None:
        self.reply(404, {"error": "no such route"})

    def route_echo(self) -> None:
        """What arrived: method, path and every header field."""
        body = b"".join(self.body())
        fields = [[name, value] for name, value in self.headers.items()]
        self.reply(
            200,
            {"method": self.command, "path": self.path, "headers": fields, "body": body.decode()},
        )

    def route_upload(self) -> None:
        """Count and hash the body."""
        digest, count = hashlib.sha256(), 0
        for block in self.body():
            digest.update(block)
            count += len(block)
        framing = "chunked" if self.headers.get("Transfer-Encoding") else "length"
        self.reply(200, {"bytes": count, "sha256": digest.hexdigest(), "framing": framing})

    def route_download(self) -> None:
        """`/download/N`: N zero bytes."""
        left = int(self.path.rsplit("/", 1)[1])
        self.send_response(200)
        self.send_header("Content-Length", str(left))
        self.end_headers()
        block = bytes(1 << 20)
        while left:
            left -= self.wfile.write(block[: min(left, len(block))])

    def route_sse(self) -> None:
        """`/sse/N`: N events, each when `/heard` was asked for the one before."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(int(self.path.rsplit("/", 1)[1])):
            event = b"data: %d\n\n" % number
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.flush()
            self.heard.acquire(timeout=60)
        self.wfile.write(b"0\r\n\r\n")

    def route_heard(self) -> None:
        """Let the next event go."""
        list(self.body())
        self.heard.release()
        self.reply(200, {})

    def route_repo_git(self) -> None:
        """Git's own smart HTTP back end, as CGI."""
        url = urlsplit(self.path)
        environment = os.environ | {
            "GIT_PROJECT_ROOT": str(self.directory),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": url.path,
            "QUERY_STRING": url.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"],
            input=b"".join(self.body()),
            env=environment,
            capture_output=True,
            check=True,
        )
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().splitlines()]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        kind = next(value for name, value in fields if name == "Content-Type")
        self.reply(status, body, kind)

    def route_simple(self) -> None:
        """PEP 503 index of the wheels."""
        links = "".join(
            f'<a href="/wheels/{path.name}">{path.name}</a>'
            for path in (self.directory / "wheels").iterdir()
        )
        self.reply(200, f"<!DOCTYPE html><html><body>{links}</body></html>".encode(), "text/html")

    def route_wheels(self) -> None:
        name = Path(urlsplit(self.path).path).name
        self.reply(200, (self.directory / "wheels" / name).read_bytes(), "application/zip")

    def route_dash(self) -> None:
        """`/-/ping`, npm's."""
        self.reply(200, {})

    def body(self):
        """The request's body in blocks, whatever its framing."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            block = self.rfile.read(min(left, BLOCK))
            left -= len(block)
            yield block

    def reply(self, status: int, body: object, kind: str = "application/json") -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def serve_websocket(context: ssl.SSLContext, token: str, ready: "threading.Event", port: list[int]):
    """Echo server that refuses a handshake without the token."""
    from websockets.asyncio.server import ServerConnection, serve

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    def check(connection: ServerConnection, request):
        if request.headers.get_all("Authorization") != [f"Bearer {token}"]:
            return connection.respond(401, "no token\n")
        return None

    async def main() -> None:
        async with serve(echo, "127.0.0.1", 0, ssl=context, process_request=check) as server:
            port.append(next(iter(server.sockets)).getsockname()[1])
            ready.set()
            await server.serve_forever()

    asyncio.run(main())


def main(cert: str, key: str, token: str, directory: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    Handler.token, Handler.directory = token, Path(directory)
    ready: threading.Event = threading.Event()
    websocket_port: list[int] = []
    threading.Thread(
        target=serve_websocket, args=(context, token, ready, websocket_port), daemon=True
    ).start()
    ready.wait()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    print("ready", server.server_address[1], websocket_port[0], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
