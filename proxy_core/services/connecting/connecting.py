"""What operators begin: to connect a credential or an account, new or known; to ask an issuer."""

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.accounts.providers import provider
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.oauth import TokenError
from proxy_core.oauth.authorization import STATE_SECONDS
from proxy_core.oauth.discovery import discover
from proxy_core.services.accounts.service import Accounts
from proxy_core.services.connecting.asking import kind_of
from proxy_core.services.connecting.clients import configuration, stored_configuration
from proxy_core.services.connecting.flow import Flow
from proxy_core.services.connecting.flows import Flows, not_begun
from proxy_core.services.connecting.targets import AccountTarget, CredentialTarget, Target
from proxy_core.services.context import Context
from proxy_core.services.logins import Logins
from proxy_core.services.oauth_credentials import OAuthCredentials
from proxy_core.services.principal import Principal


class Connecting:
    """The use cases in front of `Flows`."""

    def __init__(
        self,
        context: Context,
        logins: Logins,
        oauth: OAuthCredentials,
        accounts: Accounts,
        flows: Flows,
    ) -> None:
        self._context = context
        self._logins = logins
        self._oauth = oauth
        self._accounts = accounts
        self._flows = flows

    async def credential(
        self, request: wire.ConnectOAuth, by: Principal, return_to: str = ""
    ) -> wire.OAuthFlow:
        """Begin to connect a credential. What needs no person has ended on return.

        `return_to` is as in `Flow`.

        Raises VaultError: bad_request, conflict, sealed, overloaded, oauth_login_failed.
        """
        entry = self._context.vault(request.vault)
        key = check_credential_key(request.key)
        borrowed = entry.borrowed.get(key)
        login = None
        if borrowed is not None and borrowed.kind is BorrowedKind.OAUTH:
            login = self._logins.of_credential(borrowed.credential_id)
        login_id = "" if login is None else login.id
        target = CredentialTarget(self._context, self._oauth, entry.id, key, login_id)
        return await self._begin(request, request.provider, target, by, return_to)

    async def account(self, request: wire.ConnectAccount, by: Principal) -> wire.OAuthFlow:
        """Begin to connect an account; else as `credential`. VaultError: not_found too."""
        vault_id = self._context.vault(request.vault).id
        account = None
        if request.account:
            account = self._accounts.state.roster.find(vault_id, request.account)
        elif not request.provider:
            raise VaultError("bad_request", "Name the account's provider.")
        known = provider(account.provider if account else request.provider)
        target = AccountTarget(
            self._context,
            self._accounts,
            vault_id,
            known,
            account_id=account.id if account else "",
            login_id=account.login_id if account else "",
            nickname=request.nickname,
            email=request.email,
            tier=request.tier,
            join=request.join,
        )
        preset = known.preset if request.provider else ""
        return await self._begin(request, preset, target, by)

    async def discover(self, issuer: str) -> wire.IssuerFound:
        """Ask an issuer for its endpoints. Raises VaultError: bad_request, oauth_login_failed."""
        try:
            client = await discover(self._flows.providers.http, issuer)
        except TokenError as error:
            raise not_begun(error) from None
        return wire.IssuerFound(
            issuer=client.issuer,
            authorization_url=client.authorization_url,
            token_url=client.token_url,
            device_authorization_url=client.device_authorization_url,
            scopes=list(client.scopes),
        )

    async def _begin(
        self,
        request: wire.OAuthClientFields,
        preset: str,
        target: Target,
        by: Principal,
        return_to: str = "",
    ) -> wire.OAuthFlow:
        http = self._flows.providers.http
        target.check()
        known = None
        if target.login_id:
            known = await stored_configuration(self._context, target.login_id)
        found = await configuration(request, preset, known, http)
        clock = self._context.clock
        flow = Flow(
            target=target,
            by=by,
            kind=kind_of(request, found.client),
            expires_at=clock.time() + STATE_SECONDS,
            ends_at=clock.monotonic() + STATE_SECONDS,
            configuration=found,
            return_to=return_to,
        )
        return await self._flows.begin(flow)
