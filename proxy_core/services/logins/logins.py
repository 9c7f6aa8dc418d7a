"""Logins: access tokens for requests, refreshed ahead of time, exactly once, and never lost."""

from collections.abc import Callable

from sqlmodel import Session

from proxy_core.domain.oauth import OAuthClient, TokenSet
from proxy_core.services.context import Context
from proxy_core.services.logins.login import Login, LoginAccess, LoginStatus
from proxy_core.services.logins.source import NoTokens, TokenSource
from proxy_core.services.principal import Principal

OnChange = Callable[[str], None]
"""Gets a login's id, in the loop, after its tokens or its state have changed."""


class Logins:
    """The worker's logins, by id. Nothing that a request asks touches the database."""

    def __init__(self, context: Context, tokens: TokenSource | None = None) -> None:
        self._context = context
        self._tokens = tokens or NoTokens()

    def get(self, login_id: str) -> Login | None:
        """What is remembered of a login."""
        raise NotImplementedError

    def of_credential(self, credential_id: str) -> Login | None:
        """The login of a credential of type `oauth`."""
        raise NotImplementedError

    async def access(self, login_id: str) -> LoginAccess:
        """A token for one request, at once while it is valid; an expired one is waited for.

        Raises VaultError: oauth_not_connected, oauth_refresh_failed, sealed.
        """
        raise NotImplementedError

    def accepted(self, login_id: str, generation: int) -> None:
        """The upstream has taken this generation's token. Never blocks."""
        raise NotImplementedError

    async def refused(self, login_id: str, generation: int) -> bool:
        """The upstream has answered 401 to this generation's token: refresh it, once for all.

        True: there is a newer generation now.
        """
        raise NotImplementedError

    async def force(self, login_id: str, by: Principal | str) -> LoginStatus:
        """Refresh now, though it isn't due. Raises VaultError: oauth_not_connected,
        oauth_refresh_failed, sealed, not_found.
        """
        raise NotImplementedError

    def status(self, login_id: str) -> LoginStatus:
        """What its health is. Raises VaultError: not_found."""
        raise NotImplementedError

    def create(
        self,
        session: Session,
        vault_id: str,
        client: OAuthClient,
        secret: bytes | None,
        tokens: TokenSet | None,
        *,
        credential_id: str | None = None,
    ) -> Login:
        """Store a login in the caller's transaction; pending without tokens.

        Once that is committed, `put` what this answers. Raises VaultError: sealed.
        """
        raise NotImplementedError

    def replace_tokens(
        self,
        session: Session,
        login_id: str,
        tokens: TokenSet,
        *,
        client: OAuthClient | None = None,
        secret: bytes | None = None,
    ) -> Login:
        """Store the tokens of a new connection in the caller's transaction; with `client` its
        configuration and secret as well. Once that is committed, `put` what this answers.

        Raises VaultError: sealed, not_found.
        """
        raise NotImplementedError

    def load(self, session: Session, login_id: str) -> Login:
        """A login as it is stored, with its credential's or account's present name, to be `put`.

        Raises VaultError: not_found.
        """
        raise NotImplementedError

    def put(self, login: Login) -> None:
        """Take in what was committed: in force at once, scheduled, and announced to listeners."""
        raise NotImplementedError

    def forget(self, login_id: str) -> None:
        """A login was deleted."""
        raise NotImplementedError

    def on_change(self, listener: OnChange) -> None:
        """Call `listener` after each change of a login's tokens or state."""
        raise NotImplementedError
