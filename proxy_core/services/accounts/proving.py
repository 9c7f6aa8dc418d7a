"""Tokens that were got elsewhere: whose client they belong to, and whether they are any good."""

from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.accounts.providers import Provider
from proxy_core.domain.oauth import (
    OAuthClient,
    TokenError,
    TokenSet,
    client_document,
    parse_client,
    preset,
)
from proxy_core.services.logins import TokenSource


def client_of(known: Provider, request: wire.AddAccount, allow_http_loopback: bool) -> OAuthClient:
    """The provider's client with what the request says instead.

    Raises VaultError: bad_request, not_found (no such provider).
    """
    document = client_document(preset(known.preset).client)
    if request.token_url:
        document["token_url"] = request.token_url
    if request.client_id:
        document["client_id"] = request.client_id
    return parse_client(document, allow_http_loopback)


async def proven(
    source: TokenSource, client: OAuthClient, secret: bytes | None, tokens: TokenSet
) -> TokenSet:
    """Tokens that work: a refresh token is used at once, and what it gives takes its place.

    Raises VaultError: bad_request (refused for good), oauth_refresh_failed.
    """
    if tokens.refresh_token is None:
        return tokens
    try:
        fresh = await source.refresh(client, secret, tokens.refresh_token)
    except TokenError as error:
        code = "bad_request" if error.final else "oauth_refresh_failed"
        raise VaultError(
            code, f"The refresh token could not be used, nothing is stored: {error}"
        ) from None
    known, told = tokens.subject, fresh.subject
    subject = replace(
        told,
        email=told.email or known.email,
        account_id=told.account_id or known.account_id,
        organization_id=told.organization_id or known.organization_id,
        name=told.name or known.name,
        tier=told.tier or known.tier,
    )
    return replace(
        fresh,
        subject=subject,
        scopes=fresh.scopes or tokens.scopes,
        refresh_token=fresh.refresh_token or tokens.refresh_token,
    )
