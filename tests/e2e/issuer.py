"""An OpenID issuer on loopback whose tokens soon end, and which renews them without asking."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

AUDIENCE = "vault"


class ShortIssuer:
    """Serves until `stop`. `life` is a token's in seconds; `ends` are those that were given out."""

    def __init__(self, life: float) -> None:
        self.life = life
        self.ends: list[float] = []
        self.renewals = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def token(self) -> str:
        """A new one for ada."""
        end = time.time() + self.life
        self.ends.append(end)
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": end}
        return jwt.encode(claims, self._key, "ES256", {"kid": "k"})

    def answer(self, path: str) -> dict[str, Any]:
        """The document that is at a path; a token at any that is not known."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
        if path == "/keys":
            public = jwt.get_algorithm_by_name("ES256").to_jwk(self._key.public_key(), as_dict=True)
            return {"keys": [{**public, "kid": "k", "alg": "ES256", "use": "sig"}]}
        self.renewals += 1
        pair = {"access_token": self.token(), "refresh_token": f"rt-{self.renewals}"}
        return {**pair, "token_type": "Bearer", "expires_in": int(self.life)}


class _Handler(BaseHTTPRequestHandler):
    issuer: ShortIssuer

    def log_message(self, *arguments: object) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = json.dumps(self.issuer.answer(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET
