"""What is asked of an issuer: its endpoints, tokens for a code, refreshed ones, revocation."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth.client import (
    DEFAULT_CALLBACK_HOST,
    DEFAULT_CALLBACK_PATH,
    AuthMethod,
    OAuthClient,
)
from proxy_core.domain.oauth.device import DeviceStart, parse_device_reply
from proxy_core.domain.oauth.discovering import MetadataSearch
from proxy_core.domain.oauth.failures import TokenError, refusal
from proxy_core.domain.oauth.replies import parse_token_reply, reply_fields, token_bytes
from proxy_core.domain.oauth.token_requests import (
    OutgoingRequest,
    code_request,
    device_poll_request,
    device_request,
    refresh_request,
    revocation_request,
)
from proxy_core.domain.oauth.tokens import TokenSet
from proxy_core.tokens.https import Https
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import Tokens, due, end_of, printable

_CALLBACK_HOSTS = (DEFAULT_CALLBACK_HOST, "localhost")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the token endpoint gave; `id_token` is empty where it gave none."""

    tokens: TokenSet
    id_token: str = field(repr=False)


class Issuer:
    """Asks one issuer: as a public client, or with `secret` as a confidential one.

    Every method raises TokenError.
    """

    def __init__(
        self, http: Https, clock: Callable[[], float] = time.time, secret: str = ""
    ) -> None:
        self._http = http
        self._clock = clock
        self._secret = secret.encode() or None

    @classmethod
    def at(
        cls,
        url: str,
        clock: Callable[[], float] = time.time,
        *,
        secret: str = "",
        ca_file: str = "",
    ) -> "Issuer":
        """For endpoints such as this one, as `Https.to`."""
        return cls(Https.to(url, ca_file=ca_file), clock, secret)

    @classmethod
    def of(cls, login: Login, secret: str, clock: Callable[[], float] = time.time) -> "Issuer":
        """The one of a login."""
        return cls.at(login.issuer, clock, secret=secret, ca_file=login.ca_file)

    def discover(self, issuer: str) -> OAuthClient:
        """The issuer's endpoints by its own metadata; the client id is yet to be set. A secret is
        sent by the better of the ways that the issuer names.

        Raises VaultError bad_request too, for what is no issuer or another's metadata.
        """
        search = MetadataSearch(
            issuer,
            confidential=self._secret is not None,
            allow_http_loopback=self._http.allow_http_loopback,
        )
        for url in search.urls:
            reply = self._http.get(url, {"accept": "application/json"})
            found = search.read(reply.status, reply.headers, reply.body, self._clock())
            if found is not None:
                return found
        raise search.failure

    def exchange(self, client: OAuthClient, code: str, redirect_uri: str, verifier: str) -> Answer:
        """Tokens for an authorization code."""
        return self._tokens(
            code_request(
                client,
                self._secret,
                code=code,
                redirect_uri=redirect_uri,
                verifier=verifier,
                state="",
            )
        )

    def refresh(self, client: OAuthClient, refresh_token: str) -> Answer:
        """New tokens; the refresh token is the one to use from now on (RFC 6749 6)."""
        sent = refresh_token.encode("ascii")
        answer = self._tokens(refresh_request(client, self._secret, sent))
        kept = answer.tokens.refresh_token or sent
        return replace(answer, tokens=replace(answer.tokens, refresh_token=kept))

    def start_device(self, client: OAuthClient) -> DeviceStart:
        """Codes for a person to confirm elsewhere (RFC 8628 3.1)."""
        request = device_request(client, self._secret)
        reply = self._http.post(request.url, request.headers, request.body)
        now = self._clock()
        return parse_device_reply(reply.status, reply.headers, reply.body, request.secrets, now)

    def poll_device(self, client: OAuthClient, device_code: bytes) -> Answer:
        """Ask once whether the person has confirmed; `authorization_pending` is not final."""
        return self._tokens(device_poll_request(client, self._secret, device_code))

    def revoke(self, client: OAuthClient, token: str) -> None:
        """Revoke a token (RFC 7009). Raises TokenError."""
        request = revocation_request(client, self._secret, token.encode("ascii"))
        reply = self._http.post(request.url, request.headers, request.body)
        if not 200 <= reply.status < 300:
            raise refusal(reply.status, reply.headers, {}, request.secrets, self._clock())

    def _tokens(self, request: OutgoingRequest) -> Answer:
        reply = self._http.post(request.url, request.headers, request.body)
        given = (reply.status, reply.headers, reply.body, request.secrets, self._clock())
        tokens = parse_token_reply(*given)
        id_token = token_bytes(reply_fields(*given).get("id_token")) or b""
        return Answer(tokens, id_token.decode("ascii"))


def client_of(login: Login) -> OAuthClient:
    """The client that signs in. Raises VaultError bad_request for a redirect elsewhere."""
    parts = urlsplit(login.redirect_uri or f"http://{DEFAULT_CALLBACK_HOST}{DEFAULT_CALLBACK_PATH}")
    host = parts.hostname or ""
    if parts.scheme != "http" or host not in _CALLBACK_HOSTS or parts.query or parts.fragment:
        detail = "The redirect must look like http://localhost:8400/callback."
        raise VaultError("bad_request", detail)
    scopes = tuple(login.scopes.split())
    # Without it an OpenID provider must ignore offline_access (OpenID Connect Core 11).
    asked = {"prompt": "consent"} if "offline_access" in scopes else {}
    return OAuthClient(
        issuer=login.issuer,
        client_id=login.client_id,
        auth_method=AuthMethod(login.auth_method),
        token_url=login.token_url,
        authorization_url=login.authorization_url,
        device_authorization_url=login.device_url,
        revocation_url=login.revocation_url,
        scopes=scopes,
        authorization_parameters=asked | ({"audience": login.audience} if login.audience else {}),
        callback_host=host,
        callback_port=parts.port,
        callback_path=parts.path or "/",
    )


def obtained(login: Login, answer: Answer, now: float, secret: str = "") -> Tokens:
    """The tokens of an answer, with the one that this login prints; the client's secret with them.

    Raises VaultError oauth_login_failed where the issuer gave none of that kind.
    """
    access = answer.tokens.access_token.decode("ascii")
    printed = printable(login.printed, access, answer.id_token)
    # What the issuer tells of its life is about the access token.
    told = answer.tokens.expires_at if printed == access else None
    expires_at = end_of(printed, told)
    return Tokens(
        printed=printed,
        access=access,
        refresh=(answer.tokens.refresh_token or b"").decode("ascii"),
        secret=secret,
        expires_at=expires_at,
        refresh_at=due(now, expires_at),
    )


_AGAIN = "Sign in again once that is mended."
_WAY = "Look at the issuer's address, and at HTTPS_PROXY where it leads there; then sign in again."
_REMEDIES = {
    "unreachable": _WAY,
    "timeout": _WAY,
    "tls": "A company's own CA is named with --ca-file FILE.",
    "invalid_client": "Look at --client-id; a client with a secret wants --client-secret-stdin.",
    "invalid_grant": "Sign in again, and give all of the code or the address.",
    "access_denied": "It was refused there; sign in again if that was a mistake.",
    "expired_token": "Sign in again, and confirm the new code in time.",
}


def failed(error: TokenError) -> VaultError:
    """What a person is told when a login does not come about, and what to do."""
    detail = f"Signing in failed: {error.detail} ({error.code})."
    return VaultError("oauth_login_failed", detail, {"help": _REMEDIES.get(error.code, _AGAIN)})
