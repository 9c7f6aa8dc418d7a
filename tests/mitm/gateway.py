"""Requests to the gateway itself, with a token in either header, and the vault's own answers."""

import json

from tests.mitm.rig import GATEWAY_AUTH, TOKEN, Rig

BEARER = b"Authorization: %b\r\n" % GATEWAY_AUTH
API_KEY = b"x-api-key: %b\r\n" % TOKEN


def ask(path: bytes, *fields: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    """A request to the gateway itself."""
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    head = b"%b %b HTTP/1.1\r\nHost: 127.0.0.1:14322\r\n" % (method, path)
    return head + b"".join(fields) + length + b"\r\n" + body


async def answer(proxy: Rig, data: bytes) -> tuple[int, bytes, dict[str, object]]:
    """Status, head and document of one answer of the vault's own."""
    client = await proxy.plain()
    await client.send(data)
    status, head, body = await client.response()
    return status, head, json.loads(body)
