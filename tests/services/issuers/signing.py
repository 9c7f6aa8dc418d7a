"""An issuer on loopback: publishes its keys, signs what it is told to, and can be down."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.oauth.servers import Received, listening, reply

AUDIENCE = "vault"
RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)


def new_key(algorithm: str) -> Any:
    """A private key for the algorithm; there is one of RSA, which takes time to make."""
    if algorithm.startswith(("RS", "PS")):
        return RSA
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    curve = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1}[algorithm]
    return ec.generate_private_key(curve())


def published(key: Any, algorithm: str, **more: Any) -> dict[str, Any]:
    """The JWK of a private key's public half."""
    public = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    # RSA's says what the key may do; an issuer says no more than it must.
    return {name: value for name, value in public.items() if name != "key_ops"} | more


class LocalIssuer:
    """`keys` are published by name; `asked` counts what came for them."""

    def __init__(self) -> None:
        self.url = ""
        self.now = 0.0
        self.keys: dict[str, Any] = {}
        self.extra: list[dict[str, Any]] = []
        self.asked = 0
        self.down = False
        self.reached = asyncio.Event()
        self.go_on: asyncio.Event | None = None
        """While it is not set, nothing is answered."""
        self.metadata: dict[str, Any] = {}
        self.add_key("k1")

    def add_key(self, name: str, algorithm: str = "ES256") -> None:
        """Publish a new key."""
        self.keys[name] = (algorithm, new_key(algorithm))

    def token(self, key: str = "k1", headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token for ada, for ten minutes; None leaves a claim out."""
        algorithm, private = self.keys[key]
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": self.now + 600}
        merged = {name: value for name, value in {**good, **claims}.items() if value is not None}
        head = {"kid": key, **(headers or {})}
        given = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(merged, private, algorithm, given)

    async def __call__(self, request: Received) -> bytes | None:
        self.reached.set()
        if self.go_on is not None:
            await self.go_on.wait()
        if self.down:
            return None
        if request.target == "/.well-known/openid-configuration":
            known = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
            return reply(json.dumps(known | self.metadata))
        if request.target != "/keys":
            return reply(status=404)
        self.asked += 1
        found = [
            published(private, algorithm, kid=name, alg=algorithm)
            for name, (algorithm, private) in self.keys.items()
        ]
        return reply(json.dumps({"keys": [*self.extra, *found]}))


@asynccontextmanager
async def local_issuer() -> AsyncIterator[LocalIssuer]:
    """One that answers."""
    issuer = LocalIssuer()
    async with listening(issuer) as port:
        issuer.url = f"http://127.0.0.1:{port}"
        yield issuer
