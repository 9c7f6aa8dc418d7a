"""What is sent to token endpoints."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from proxy_core.domain.oauth import AuthMethod, GrantKind, OAuthClient, TokenError, TokenFormat
from proxy_core.domain.oauth.pkce import challenge
from proxy_core.domain.oauth.token_requests import (
    OutgoingRequest,
    code_request,
    credentials_request,
    device_poll_request,
    device_request,
    refresh_request,
    revocation_request,
)

URL = "https://issuer.example/token"
SECRET = b"s:cret/+"


def client(**changes: Any) -> OAuthClient:
    """A client with these differences."""
    return OAuthClient(token_url=URL, client_id="id 1", **changes)


def form(request: OutgoingRequest) -> dict[str, str]:
    """The fields of a form."""
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(request.body.decode(), strict_parsing=True, keep_blank_values=True))


def test_a_public_client_names_itself() -> None:
    """Method none: the client id is in the body, no proof anywhere."""
    request = refresh_request(client(), None, b"rt+/=")
    fields = {"grant_type": "refresh_token", "refresh_token": "rt+/=", "client_id": "id 1"}
    assert form(request) == fields
    assert "authorization" not in request.headers
    assert request.headers["accept"] == "application/json"


def test_a_secret_in_the_body() -> None:
    """Method post: id and secret are fields."""
    fields = form(refresh_request(client(auth_method=AuthMethod.POST), SECRET, b"rt"))
    assert (fields["client_id"], fields["client_secret"]) == ("id 1", "s:cret/+")


def test_a_secret_in_the_header() -> None:
    """Method basic: both are form-encoded before they are joined (RFC 6749 2.3.1)."""
    request = refresh_request(client(auth_method=AuthMethod.BASIC), SECRET, b"rt")
    scheme, _, proof = request.headers["authorization"].partition(" ")
    assert (scheme, base64.b64decode(proof)) == ("Basic", b"id%201:s%3Acret%2F%2B")
    assert form(request) == {"grant_type": "refresh_token", "refresh_token": "rt"}


@pytest.mark.parametrize("method", [AuthMethod.POST, AuthMethod.BASIC])
def test_a_secret_that_is_missing(method: AuthMethod) -> None:
    """Nothing is sent without the proof that the method asks for."""
    with pytest.raises(TokenError) as caught:
        refresh_request(client(auth_method=method), None, b"rt")
    assert (caught.value.final, caught.value.code) == (True, "client_incomplete")
    with pytest.raises(TokenError):
        refresh_request(OAuthClient(token_url=URL, auth_method=method), SECRET, b"rt")


def test_json_where_the_provider_wants_it() -> None:
    """Anthropic's way: a JSON object, with the state in the exchange."""
    anthropic = client(token_format=TokenFormat.JSON, send_state=True)
    request = code_request(
        anthropic, None, code="c", redirect_uri="http://localhost/cb", verifier="v", state="s"
    )
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "grant_type": "authorization_code",
        "code": "c",
        "redirect_uri": "http://localhost/cb",
        "client_id": "id 1",
        "code_verifier": "v",
        "state": "s",
    }


def test_the_state_stays_out_elsewhere() -> None:
    """Other providers get no state at the token endpoint, nor a verifier without PKCE."""
    request = code_request(client(), None, code="c", redirect_uri="r", verifier="", state="s")
    assert set(form(request)) == {"grant_type", "code", "redirect_uri", "client_id"}


def test_extra_parameters_never_replace_the_protocols_own() -> None:
    """A parameter of the same name loses, but for the grant of client credentials."""
    own = {"audience": "api", "grant_type": "account_credentials"}
    fields = form(refresh_request(client(token_parameters=own), None, b"rt"))
    assert (fields["audience"], fields["grant_type"]) == ("api", "refresh_token")
    server = client(token_parameters=own, grant=GrantKind.CLIENT_CREDENTIALS, scopes=("a", "b"))
    fields = form(credentials_request(server, None))
    assert (fields["grant_type"], fields["scope"]) == ("account_credentials", "a b")


def test_devices() -> None:
    """The first request names the scopes, the polls the device code; the first is a form."""
    device = client(
        device_authorization_url="https://issuer.example/device",
        token_format=TokenFormat.JSON,
        scopes=("a",),
    )
    assert form(device_request(device, None)) == {"scope": "a", "client_id": "id 1"}
    poll = json.loads(device_poll_request(device, None, b"dc").body)
    assert poll["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code"
    assert poll["device_code"] == "dc"


def test_revocation() -> None:
    """RFC 7009: the token and the client, at the provider's own place."""
    request = revocation_request(client(revocation_url="https://issuer.example/r"), None, b"rt")
    assert (request.url, form(request)["token"]) == ("https://issuer.example/r", "rt")


def test_what_was_secret_is_remembered_and_not_shown() -> None:
    """Errors are cleaned of exactly what was sent; the request's repr shows none of it."""
    request = code_request(
        client(auth_method=AuthMethod.POST),
        SECRET,
        code="the-code",
        redirect_uri="r",
        verifier="the-verifier",
        state="s",
    )
    assert set(request.secrets) == {b"the-code", b"the-verifier", SECRET}
    for hidden in ("the-code", "the-verifier", "s:cret"):
        assert hidden not in repr(request)


def test_pkce() -> None:
    """RFC 7636's own example (appendix B)."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
