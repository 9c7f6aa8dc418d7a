"""The paths of Claude Code's gateway protocol below a gateway's prefix, and their answers.

It is spoken at every prefix that leads to Anthropic in some vault. Whatever else Claude Code asks
for, its messages first of all, goes to the upstream like any other request.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.gateway import is_anthropic
from proxy_core.domain.local_answers import Local, LocalAnswer, LocalPath, LocalRequest
from proxy_core.domain.service_document import credential_keys
from proxy_core.services.authentication import vault_of
from proxy_core.services.claude_gateway.devices import Devices
from proxy_core.services.claude_gateway.pace import Asked
from proxy_core.services.claude_gateway.page import device_page, slow_down_page
from proxy_core.services.claude_gateway.settings import ManagedSettings
from proxy_core.services.claude_gateway.tokens import Pair
from proxy_core.services.context import Context
from proxy_core.services.settings import Settings
from proxy_core.services.snapshot import VaultEntry
from proxy_core.services.users.throttle import site_of

MOST_PAGES: Final = 60
"""Pages of one address in ten minutes: nobody guesses a code so."""
MOST_TRIES: Final = 600
"""Token requests of one address in that time: a few dozen devices that poll."""
MAX_TELEMETRY: Final = 1024 * 1024
_JSON: Final = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))

Answer = Callable[[Local], Awaitable[LocalAnswer | None]]


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """`oauth`: its errors are RFC 6749's."""

    path: LocalPath
    answer: Answer
    oauth: bool = False


class ClaudeGateway:
    """One of the gateway's `LocalAnswers`. `public_url`: the origin that clients call the worker
    by, where something before it ends TLS; or empty.
    """

    def __init__(self, context: Context, settings: Settings) -> None:
        self._context = context
        self._settings = settings
        self.devices = Devices(context)
        self.managed = ManagedSettings(context)
        self.public_url = ""
        self._pages, self._tries = Asked(MOST_PAGES), Asked(MOST_TRIES)
        self._endpoints = self._table()

    def _table(self) -> Mapping[tuple[str, str], _Endpoint]:
        """By method and path."""
        discovery = _Endpoint(LocalPath("gateway discovery", public=True), self._discovery)
        page = _Endpoint(LocalPath("device page", public=True), self._page)
        telemetry = _Endpoint(LocalPath("telemetry", max_body=MAX_TELEMETRY), self._telemetry)
        login = LocalPath("gateway sign-in", public=True)
        return {
            ("GET", protocol.DISCOVERY_PATH): discovery,
            ("HEAD", protocol.DISCOVERY_PATH): discovery,
            ("POST", protocol.DEVICE_PATH): _Endpoint(login, self._begin, oauth=True),
            ("POST", protocol.TOKEN_PATH): _Endpoint(login, self._token, oauth=True),
            ("POST", protocol.REVOCATION_PATH): _Endpoint(login, self._revoke, oauth=True),
            ("GET", protocol.PAGE_PATH): page,
            ("HEAD", protocol.PAGE_PATH): page,
            ("POST", protocol.PAGE_PATH): page,
            ("GET", "/managed/settings"): _Endpoint(LocalPath("managed settings"), self._managed),
            ("GET", "/v1/models"): _Endpoint(LocalPath("models"), self._models),
            ("GET", "/api/oauth/usage"): _Endpoint(LocalPath("usage"), self._usage),
            ("POST", "/v1/metrics"): telemetry,
            ("POST", "/v1/logs"): telemetry,
            ("POST", "/v1/traces"): telemetry,
        }

    def covers(self, request: LocalRequest) -> LocalPath | None:
        """Whether the path is one of the protocol's, at a prefix that leads to Anthropic."""
        endpoint = self._endpoints.get((request.method, request.path))
        if endpoint is None or not self._serves(request.prefix):
            return None
        return endpoint.path

    async def answer(self, local: Local) -> LocalAnswer | None:
        """The answer; None: the upstream's. Raises VaultError on what needs a token."""
        endpoint = self._endpoints[local.request.method, local.request.path]
        if not endpoint.oauth:
            return await endpoint.answer(local)
        try:
            return await endpoint.answer(local)
        except OAuthRefusal as refusal:
            return _json(refusal.document, refusal.status)
        except VaultError as error:
            return _unavailable(error)

    def _serves(self, prefix: str) -> bool:
        found = (
            vault.compiled.gateways.get(prefix) for vault in self._context.snapshot.by_id.values()
        )
        gateways = (service.gateway for service in found if service is not None)
        return any(gateway is not None and is_anthropic(gateway.host) for gateway in gateways)

    def _base(self, request: LocalRequest) -> str:
        """The gateway's base URL as the client has it."""
        public = urlsplit(self.public_url)
        is_public = public.netloc != "" and public.netloc == urlsplit(request.base).netloc.lower()
        return f"{self.public_url if is_public else request.base}/{request.prefix}"

    # --- signing in ----------------------------------------------------------------------------

    async def _discovery(self, local: Local) -> LocalAnswer:
        return _json(protocol.metadata(self._base(local.request)))

    async def _begin(self, local: Local) -> LocalAnswer:
        protocol.form_of(local.body)  # nothing that it says is needed, but it has to be a form
        client = local.request.header(b"user-agent") or "unknown client"
        request, secret = await self.devices.requests.begin(client, local.request.address)
        page = self._base(local.request) + protocol.PAGE_PATH
        return _json(
            {
                "device_code": secret,
                "user_code": request.code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={request.code}",
                "expires_in": protocol.REQUEST_SECONDS,
                "interval": protocol.INTERVAL_SECONDS,
                "login_notice": f"An operator of the vault approves this: console, screen Holds, "
                f"or vault-tui device approve {request.code}",
            }
        )

    async def _token(self, local: Local) -> LocalAnswer:
        self._count(self._tries, local.request)
        fields = protocol.form_of(local.body)
        grant = protocol.required(fields, "grant_type")
        if grant == protocol.DEVICE_GRANT:
            code = protocol.required(fields, "device_code")
            request = await self.devices.requests.poll(code)
            return _json(_pair(await self.devices.tokens.collect(request)))
        if grant == protocol.REFRESH_GRANT:
            token = protocol.required(fields, "refresh_token")
            return _json(_pair(await self.devices.tokens.refresh(token)))
        raise OAuthRefusal("unsupported_grant_type", "This grant is not offered.")

    async def _revoke(self, local: Local) -> LocalAnswer:
        self._count(self._tries, local.request)
        token = protocol.required(protocol.form_of(local.body), "token")
        await self.devices.tokens.end_by_token(token)
        return _json({})

    async def _page(self, local: Local) -> LocalAnswer:
        try:
            self._count(self._pages, local.request)
        except VaultError as error:
            return slow_down_page(error.retry_after or 1)
        asked = local.body if local.request.method == "POST" else local.request.query.encode()
        try:
            code = protocol.form_of(asked).get("user_code", "")
        except OAuthRefusal:
            code = ""
        return device_page(code, await self.devices.requests.find(code))

    def _count(self, asked: Asked, request: LocalRequest) -> None:
        asked.count(site_of(request.address), self._context.clock.monotonic())

    # --- signed in -----------------------------------------------------------------------------

    async def _managed(self, local: Local) -> LocalAnswer:
        row = await self.managed.of_vault(self._vault(local).id)
        if row is None:
            return _not_found("The vault has no managed settings.")
        checksum = protocol.checksum(row.settings)
        etag = f'"{checksum}"'
        headers = (("ETag", etag), ("Cache-Control", "private, no-cache"))
        if protocol.matches(local.request.header(b"if-none-match"), etag):
            return LocalAnswer(304, headers=headers)
        body = {"uuid": row.uuid, "checksum": checksum, "settings": row.settings}
        return LocalAnswer(200, _encoded(body), (*_JSON[:1], *headers))

    async def _models(self, local: Local) -> LocalAnswer | None:  # noqa: ARG002 - an endpoint's
        if self._settings.value("gateway_models"):
            return None
        return _not_found("This gateway does not tell its models.")

    async def _telemetry(self, local: Local) -> LocalAnswer:
        """Dropped; the answer to a request in protobuf is an empty message."""
        is_json = local.request.header(b"content-type").startswith("application/json")
        if is_json:
            return _json({})
        return LocalAnswer(200, headers=(("Content-Type", "application/x-protobuf"),))

    async def _usage(self, local: Local) -> LocalAnswer | None:
        """What an account of a pool has used is no matter of an agent's: nobody's cap is told."""
        entry = self._vault(local)
        service = entry.compiled.gateways.get(local.request.prefix)
        keys = () if service is None else credential_keys(service)
        pools = (BorrowedKind.POOL,)
        if any(key in entry.borrowed and entry.borrowed[key].kind in pools for key in keys):
            return _not_found("This gateway caps nobody.")
        return None

    def _vault(self, local: Local) -> VaultEntry:
        """Raises VaultError: proxy_auth_required, vault_required, vault_forbidden."""
        access = local.access
        bearer = None if access is None else self._context.bearer(access.token_sha256)
        if access is None or bearer is None:
            raise VaultError("proxy_auth_required")
        return vault_of(self._context.snapshot, bearer, access)


def _pair(pair: Pair) -> dict[str, Any]:
    found = {
        "access_token": pair.access,
        "token_type": "Bearer",
        "expires_in": pair.seconds,
        "refresh_token": pair.refresh,
    }
    return {**found, "email": pair.email} if pair.email else found


def _unavailable(error: VaultError) -> LocalAnswer:
    """What keeps a sign-in from going on, in RFC 6749's shape."""
    is_too_many = error.code in ("rate_limited", "overloaded")
    word = "slow_down" if is_too_many else "temporarily_unavailable"
    refusal = OAuthRefusal(word, str(error), 429 if is_too_many else error.status)
    wait = (("Retry-After", str(error.retry_after)),) if error.retry_after else ()
    return _json(refusal.document, refusal.status, *wait)


def _not_found(message: str) -> LocalAnswer:
    error = {"type": "not_found_error", "message": message}
    return _json({"type": "error", "error": error}, 404)


def _json(body: Mapping[str, Any], status: int = 200, *more: tuple[str, str]) -> LocalAnswer:
    return LocalAnswer(status, _encoded(body), (*_JSON, *more))


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
