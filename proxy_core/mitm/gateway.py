"""The gateway's way in: an origin-form request to the proxy's own port.

    GET /<prefix>/what/ever     Authorization: Bearer TOKEN, or x-api-key: TOKEN

The token says who asks, the prefix where to; what is found is a route like any other, with the
token's fields gone from the head. A path that the vault answers itself has an answer instead.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain.agent_tokens import bears, for_gateway, holds_own
from proxy_core.domain.exchange import Access, Decision, Ingress
from proxy_core.domain.forwarded import FIELD as FORWARDED_FOR
from proxy_core.domain.gateway import (
    split_path,
    upstream_path,
    vault_of_host,
    without_needless_v1,
)
from proxy_core.domain.hosts import split_authority
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalRequest
from proxy_core.domain.service import AuthType
from proxy_core.domain.target import check_path
from proxy_core.mitm.asked import Asked
from proxy_core.mitm.http1 import RequestHead
from proxy_core.mitm.http1.fields import Field, fold
from proxy_core.mitm.hub import Hub
from proxy_core.mitm.route import (
    DEFAULT_PORTS,
    Origin,
    Route,
    absolute_origin,
    authenticated,
    route_to,
)
from proxy_core.mitm.streams import Stream
from proxy_core.mitm.whole_body import whole_body

Admit = Callable[[Access], tuple[str, str] | None]

_TOKEN_FIELDS: Final = frozenset((b"authorization", b"x-api-key"))
_NOTED: Final = _TOKEN_FIELDS | {b"x-vault", b"origin", b"sec-fetch-site"}


class GatewayDoor:
    """The gateway, for one client connection. `address` is who has connected, without its port."""

    def __init__(self, hub: Hub, client: Stream, address: str, admit: Admit) -> None:
        self._hub = hub
        self._client = client
        self._address = address
        self._admit = admit

    async def find(self, asked: Asked) -> Route | LocalAnswer:
        """Where the request goes, or its answer; `asked` is changed to what goes there.

        Raises VaultError; StreamError when the client leaves meanwhile.
        """
        path = asked.path
        prefix, rest = split_path(path)
        if not prefix:
            absolute_origin(asked.target)  # says what this port is for
        check_path(path)
        noted = _note(asked.head)
        _refuse_pages(asked.head, noted)
        presented = for_gateway(noted.get(b"authorization"), noted.get(b"x-api-key"))
        if presented is not None:
            asked.head = _without_token(asked.head, presented)
        answer = await self._answer(asked, prefix, rest, presented, noted)
        if answer is not None:
            return answer
        access = asked.access or await self._authenticate(asked, presented, noted)
        if holds_own(asked.target.query or b""):
            raise VaultError("bad_request", "a token of the vault's stands in the query")
        gateway = self._hub.broker.gateway(access, prefix)
        asked.lead_to(upstream_path(gateway, rest))
        origin = Origin(gateway.scheme, gateway.host, gateway.port)
        return route_to(Ingress.GATEWAY, origin, access, self._admit(access))

    async def _authenticate(
        self, asked: Asked, presented: bytes | None, noted: dict[bytes, bytes]
    ) -> Access:
        vault = self._vault(asked.head, noted)
        address = self._client_address(asked.head)
        asked.access = await authenticated(self._hub.broker, presented, address, vault)
        return asked.access

    def _client_address(self, head: RequestHead) -> str:
        """The client's, though a reverse proxy may be the one that has connected."""
        proxies = self._hub.config.proxies
        if not proxies:
            return self._address
        said = [value for name, value in head.headers if fold(name) == FORWARDED_FOR]
        return proxies.client(self._address, said)

    def _vault(self, head: RequestHead, noted: dict[bytes, bytes]) -> str | None:
        """What X-Vault names, or the host's first label."""
        named = noted.get(b"x-vault")
        by_header = named.decode("latin-1") if named else None
        domain = self._hub.config.gateway_domain
        if not domain:
            return by_header
        by_host = vault_of_host(own_name(head)[0], domain)
        if by_header is not None and by_host is not None and by_header != by_host:
            raise VaultError("bad_request", "X-Vault and the host name two vaults.")
        return by_header or by_host

    # --- answers on the spot ------------------------------------------------------------------

    async def _answer(
        self,
        asked: Asked,
        prefix: str,
        rest: str,
        presented: bytes | None,
        noted: dict[bytes, bytes],
    ) -> LocalAnswer | None:
        """What the broker answers itself, with the body taken from the client."""
        hub, client, head = self._hub, self._client, asked.head
        request = LocalRequest(
            method=asked.method,
            prefix=prefix,
            path=without_needless_v1(rest),
            query=(asked.target.query or b"").decode("latin-1"),
            base=self._base(head),
            address=self._client_address(head),
            has_token=presented is not None,
            headers=head.headers,
        )
        path = hub.broker.answers(request)
        if path is None:
            return None
        access = None if path.public else await self._authenticate(asked, presented, noted)
        async with whole_body(hub, client, head, path.max_body, path.what) as size:
            body = bytes(client.buffer[:size])
            answer = await hub.broker.answer(Local(request, path, access, body))
            if answer is None:
                return None
            client.drop(size)
            return replace(answer, what=path.what)

    def _base(self, head: RequestHead) -> str:
        scheme = "https" if self._client.encrypted else "http"
        return f"{scheme}://{(head.host or b'').decode('latin-1')}"


def without_clients_own(head: RequestHead, decision: Decision) -> RequestHead:
    """The head, where a credential is attached, without what the client has for one itself."""
    service = decision.service
    if service is None or service.auth.type is AuthType.PASSTHROUGH:
        return head
    return _keeping(head, lambda field: fold(field[0]) not in _TOKEN_FIELDS)


def own_name(head: RequestHead, scheme: str = "http") -> tuple[str, int]:
    """Host and port by which the client has called the gateway; nothing where that is no name."""
    try:
        return split_authority((head.host or b"").decode("latin-1"), DEFAULT_PORTS[scheme])
    except VaultError:
        return "", 0


def _note(head: RequestHead) -> dict[bytes, bytes]:
    """The fields that decide something here. Raises VaultError bad_request for one sent twice."""
    noted: dict[bytes, bytes] = {}
    for name, value in head.headers:
        key = fold(name)
        if key not in _NOTED:
            continue
        if key in noted:
            raise VaultError("bad_request", f"more than one {key.decode('ascii')} field")
        noted[key] = value
    return noted


def _refuse_pages(head: RequestHead, noted: dict[bytes, bytes]) -> None:
    """No web page may use the gateway, whatever it knows. Raises VaultError origin_refused.

    Browsers add these two themselves, and a page can't take them away. WebSocket clients that are
    no browsers send Origin as well; a page can give its WebSocket no token.
    """
    from_page = b"origin" in noted and head.websocket_key is None
    if from_page or noted.get(b"sec-fetch-site", b"none") != b"none":
        raise VaultError("origin_refused", "the gateway is not for web pages")


def _without_token(head: RequestHead, presented: bytes) -> RequestHead:
    """The head without what the client has said of itself, in whichever field it did."""

    def keep(field: Field) -> bool:
        name, value = field
        is_token = bears(value, presented) if fold(name) in _TOKEN_FIELDS else holds_own(value)
        return not is_token

    return _keeping(head, keep)


def _keeping(head: RequestHead, keep: Callable[[Field], bool]) -> RequestHead:
    return msgspec.structs.replace(head, headers=list(filter(keep, head.headers)))
