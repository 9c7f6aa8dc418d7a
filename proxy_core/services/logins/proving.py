"""Tokens that were got elsewhere: whether they are any good."""

from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.domain.oauth import OAuthClient, TokenError, TokenSet
from proxy_core.services.logins.source import TokenSource


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
    return replace(fresh, subject=subject, scopes=fresh.scopes or tokens.scopes)
