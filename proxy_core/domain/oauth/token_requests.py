"""What is sent to a token endpoint: body, headers, client authentication (RFC 6749 2.3.1)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from proxy_core.domain.oauth.client import AuthMethod, GrantKind, OAuthClient, TokenFormat
from proxy_core.domain.oauth.failures import TokenError

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A POST, ready to be sent. `secrets` is what must not come back in an error's text."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secrets: tuple[bytes, ...] = field(repr=False)


def refresh_request(
    client: OAuthClient, secret: bytes | None, refresh_token: bytes
) -> OutgoingRequest:
    """RFC 6749 6. The scopes stay as they were granted, so none are named."""
    return _to_token_endpoint(
        client,
        secret,
        {"grant_type": "refresh_token", "refresh_token": refresh_token.decode("ascii")},
        hidden=("refresh_token",),
    )


def code_request(
    client: OAuthClient,
    secret: bytes | None,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
    state: str,
) -> OutgoingRequest:
    """RFC 6749 4.1.3, with the PKCE verifier (RFC 7636 4.5) if there is one."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    if verifier:
        fields["code_verifier"] = verifier
    if client.send_state:
        fields["state"] = state
    hidden = ("code", "code_verifier", "state")
    return _to_token_endpoint(client, secret, fields, hidden=hidden)


def credentials_request(client: OAuthClient, secret: bytes | None) -> OutgoingRequest:
    """RFC 6749 4.4.2."""
    fields = {"grant_type": str(GrantKind.CLIENT_CREDENTIALS), **_scope(client)}
    return _to_token_endpoint(client, secret, fields)


def assertion_request(client: OAuthClient, assertion: str) -> OutgoingRequest:
    """RFC 7523 2.1; the assertion itself says who the client is."""
    fields = {"grant_type": JWT_GRANT, "assertion": assertion, **_scope(client)}
    return _post(
        client, client.token_url, {}, {**client.token_parameters, **fields}, ("assertion",)
    )


def device_request(client: OAuthClient, secret: bytes | None) -> OutgoingRequest:
    """RFC 8628 3.1. Always a form: that RFC knows nothing else."""
    return _authenticated(client, client.device_authorization_url, secret, _scope(client), ())


def device_poll_request(
    client: OAuthClient, secret: bytes | None, device_code: bytes
) -> OutgoingRequest:
    """RFC 8628 3.4."""
    fields = {"grant_type": DEVICE_GRANT, "device_code": device_code.decode("ascii")}
    return _to_token_endpoint(client, secret, fields, hidden=("device_code",))


def revocation_request(client: OAuthClient, secret: bytes | None, token: bytes) -> OutgoingRequest:
    """RFC 7009 2.1."""
    fields = {"token": token.decode("ascii")}
    return _authenticated(client, client.revocation_url, secret, fields, ("token",))


def _scope(client: OAuthClient) -> dict[str, str]:
    return {"scope": client.scope} if client.scopes else {}


def _to_token_endpoint(
    client: OAuthClient,
    secret: bytes | None,
    fields: dict[str, str],
    hidden: tuple[str, ...] = (),
) -> OutgoingRequest:
    own_grant = client.grant is GrantKind.CLIENT_CREDENTIALS
    # Only there may a parameter name another grant: Zoom calls its own `account_credentials`.
    both = {**fields, **client.token_parameters} if own_grant else fields
    if not own_grant:
        both = {**client.token_parameters, **fields}
    return _authenticated(client, client.token_url, secret, both, hidden)


def _authenticated(
    client: OAuthClient,
    url: str,
    secret: bytes | None,
    fields: dict[str, str],
    hidden: tuple[str, ...],
) -> OutgoingRequest:
    """Add the client's name, and its proof by the method it is registered with."""
    headers: dict[str, str] = {}
    if client.auth_method is AuthMethod.NONE:
        if client.client_id:
            fields = {**fields, "client_id": client.client_id}
        return _post(client, url, headers, fields, hidden)
    if not client.client_id or secret is None:
        missing = "client secret" if client.client_id else "client id"
        detail = f"the client's method {client.auth_method} needs a {missing}"
        raise TokenError(final=True, code="client_incomplete", detail=detail)
    password = secret.decode("utf-8")
    if client.auth_method is AuthMethod.POST:
        fields = {**fields, "client_id": client.client_id, "client_secret": password}
        return _post(client, url, headers, fields, (*hidden, "client_secret"))
    # Form-encoded, as the RFC says, but a blank as %20: not every server reads + as one.
    pair = f"{quote(client.client_id, safe='')}:{quote(password, safe='')}"
    proof = base64.b64encode(pair.encode("utf-8"))
    headers["authorization"] = f"Basic {proof.decode('ascii')}"
    return _post(client, url, headers, fields, hidden, (secret, proof))


def _post(
    client: OAuthClient,
    url: str,
    headers: dict[str, str],
    fields: Mapping[str, str],
    hidden: tuple[str, ...],
    also_hidden: tuple[bytes, ...] = (),
) -> OutgoingRequest:
    as_json = client.token_format is TokenFormat.JSON and url != client.device_authorization_url
    if as_json:
        kind, body = "application/json", json.dumps(fields, separators=(",", ":"))
    else:
        kind, body = "application/x-www-form-urlencoded", urlencode(fields)
    secrets = tuple(fields[name].encode("utf-8") for name in hidden if fields.get(name))
    return OutgoingRequest(
        url=url,
        headers={"accept": "application/json", "content-type": kind, **headers},
        body=body.encode("ascii"),
        secrets=secrets + also_hidden,
    )
