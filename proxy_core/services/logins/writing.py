"""Logins that a person connects: stored in the transaction of the use case that does so."""

from sqlmodel import Session

from proxy_core.base.ids import new_id
from proxy_core.domain.oauth import OAuthClient, TokenSet, client_document
from proxy_core.seal import Sealer
from proxy_core.services.keys import count_encryptions
from proxy_core.services.logins.login import client_aad
from proxy_core.services.logins.tokens import ENCRYPTIONS, sealed_tokens
from proxy_core.store import logins as store
from proxy_core.store.tables import OAuthLogin


def create(
    session: Session,
    sealer: Sealer,
    vault_id: str,
    client: OAuthClient,
    secret: bytes | None,
    credential_id: str | None,
    now: float,
) -> OAuthLogin:
    """A pending login. Raises VaultError: sealed."""
    row = OAuthLogin(
        id=new_id(),
        vault_id=vault_id,
        credential_id=credential_id,
        provider=client.provider,
        client={},
        generation=0,
        scopes="",
        obtained_at=now,
        state=store.PENDING,
    )
    configure(row, sealer, client, secret)
    store.add_login(session, row)
    count_encryptions(session, sealer)
    return row


def configure(row: OAuthLogin, sealer: Sealer, client: OAuthClient, secret: bytes | None) -> None:
    """Set a row's client and secret. Raises VaultError: sealed."""
    row.provider, row.client = client.provider, client_document(client)
    row.scopes = " ".join(client.scopes)
    place = client_aad(row.vault_id, row.id)
    row.sealed_client = None if secret is None else sealer.seal(secret, place)


def connect(
    session: Session, sealer: Sealer, row: OAuthLogin, tokens: TokenSet, now: float
) -> None:
    """Store a new connection's tokens, whatever was there before. Raises VaultError: sealed."""
    sealed = sealed_tokens(
        sealer.encryptor(ENCRYPTIONS),
        row.vault_id,
        row.id,
        row.generation + 1,
        tokens,
        now,
        row.scopes,
    )
    store.store_tokens(session, row.id, row.generation, sealed, refreshed=False)
    count_encryptions(session, sealer)
