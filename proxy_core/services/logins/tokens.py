"""Between tokens and the sealed columns of a login."""

from proxy_core.domain.oauth import TokenSet
from proxy_core.seal import Encryptor, Sealer
from proxy_core.services.logins.login import client_aad, token_aad
from proxy_core.store import logins as store
from proxy_core.store.tables import OAuthLogin

ENCRYPTIONS = 2
"""What sealing a pair counts for."""


def sealed_tokens(
    encryptor: Encryptor,
    vault_id: str,
    login_id: str,
    generation: int,
    tokens: TokenSet,
    now: float,
    scopes: str = "",
) -> store.SealedTokens:
    """A pair, sealed to be stored as `generation`; `scopes` are those asked for (RFC 6749 5.1)."""

    def seal(token: bytes, column: str) -> bytes:
        place = token_aad(vault_id, login_id, generation, column)
        return encryptor.seal(token, place)

    refresh = tokens.refresh_token
    return store.SealedTokens(
        access=seal(tokens.access_token, store.ACCESS),
        refresh=None if refresh is None else seal(refresh, store.REFRESH),
        obtained_at=now,
        expires_at=tokens.expires_at,
        scopes=" ".join(tokens.scopes) or scopes,
    )


def opened_secret(sealer: Sealer, row: OAuthLogin) -> bytes | None:
    """The client's secret. Raises VaultError: sealed, credential_unreadable."""
    if row.sealed_client is None:
        return None
    return sealer.unseal(row.sealed_client, client_aad(row.vault_id, row.id))


def opened_refresh(sealer: Sealer, row: OAuthLogin) -> bytes | None:
    """The refresh token. Raises VaultError: sealed, credential_unreadable."""
    if row.sealed_refresh is None:
        return None
    place = token_aad(row.vault_id, row.id, row.generation, store.REFRESH)
    return sealer.unseal(row.sealed_refresh, place)
