"""A request that may be a login: read whole, shown to the broker, and answered by it.

Any other request goes on as if nobody had looked.
"""

import json

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import Access, Decision, RequestFacts
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.oauth.capture import LoginAnswer, LoginRequest, captured_as
from proxy_core.mitm.config import KIB
from proxy_core.mitm.http1 import RequestHead
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.route import DEFAULT_PORTS
from proxy_core.mitm.streams import Stream
from proxy_core.mitm.whole_body import whole_body

MAX_LOGIN = 64 * KIB
"""Bytes of a login's body, at most."""
_WHAT = "a login that is captured"


async def captured(
    hub: Hub,
    client: Stream,
    head: RequestHead,
    access: Access,
    decision: Decision,
    facts: RequestFacts,
) -> LoginAnswer | None:
    """The broker's answer, with the body taken from the client; None: the request goes on.

    Raises VaultError: bad_request (a body that can't be read here), request_too_large; StreamError
    when the client leaves before it has sent all.
    """
    service = decision.service
    if service is None:
        return None
    kind = captured_as(service, facts.host, facts.method, facts.path)
    if kind is None:
        return None
    _check_coding(head)
    async with whole_body(hub, client, head, MAX_LOGIN, _WHAT) as size:
        request = LoginRequest(
            kind=kind,
            url=_url(facts),
            content_type=_value(head, b"content-type"),
            authorization=_value(head, b"authorization"),
            body=bytes(client.buffer[:size]),
        )
        answer = await hub.broker.capture(access, decision, request)
        if answer is not None:
            client.drop(size)
    return answer


def render_login_answer(answer: LoginAnswer, *, close: bool) -> bytes:
    """One whole response, which nobody may store (RFC 6749 5.1)."""
    body = json.dumps(answer.document).encode()
    phrase = b"OK" if answer.status == 200 else b"Error"
    head = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\n" % (answer.status, phrase)
    head += b"Cache-Control: no-store\r\nPragma: no-cache\r\n"
    if close:
        head += b"Connection: close\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _check_coding(head: RequestHead) -> None:
    if _value(head, b"content-encoding").strip().lower() not in ("", "identity"):
        raise VaultError("bad_request", f"{_WHAT} can't be compressed")


def _url(facts: RequestFacts) -> str:
    place = format_authority(facts.host, facts.port, DEFAULT_PORTS.get(facts.scheme, 0))
    return f"{facts.scheme}://{place}{facts.path}"


def _value(head: RequestHead, name: bytes) -> str:
    """A field's value; empty without it, or where it stands there twice."""
    found = [value for key, value in head.headers if key.lower() == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""
