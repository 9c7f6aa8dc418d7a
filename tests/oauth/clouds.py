"""Endpoints that issue access tokens, played over TLS under their real names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from proxy_core.mitm.connect_to import ConnectToTable
from proxy_core.mitm.guard import Guard
from proxy_core.oauth.http import GuardedHttp
from tests.oauth.servers import Answer, Script, Tls, listening

NOW = 1_800_000_000.0


@cache
def private_key() -> rsa.RSAPrivateKey:
    """A key as an app or a service account has it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def private_pem() -> bytes:
    """The same as a file."""
    key = private_key()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


@asynccontextmanager
async def cloud(host: str, *answers: bytes | None) -> AsyncIterator[tuple[GuardedHttp, Script]]:
    """What asks `host`, which answers in this order."""
    script = Script(*answers)
    async with playing(host, script) as http:
        yield http, script


@asynccontextmanager
async def playing(host: str, answer: Answer, seconds: float = 5) -> AsyncIterator[GuardedHttp]:
    """What asks `host`, which answers so, and waits for it so long."""
    tls = Tls(host)
    async with listening(answer, tls.server) as port:
        table = ConnectToTable.parse([f"{host}:443:127.0.0.1:{port}"])
        yield GuardedHttp(Guard(connect_to=table).resolve, tls.client, total_seconds=seconds)
