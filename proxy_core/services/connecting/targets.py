"""What a flow connects: a credential of type `oauth`, or an account; each new or known already."""

from dataclasses import dataclass
from typing import Protocol

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.accounts.account import Account, check_email, check_nickname
from proxy_core.domain.accounts.providers import Provider
from proxy_core.domain.names import VaultRole
from proxy_core.domain.oauth import TokenSet
from proxy_core.services.accounts.adding import NewAccount
from proxy_core.services.accounts.service import Accounts
from proxy_core.services.connecting.clients import Configuration
from proxy_core.services.context import Context
from proxy_core.services.issuers.people import present_user
from proxy_core.services.oauth_credentials import OAuthCredentials
from proxy_core.services.principal import Permission, Principal, PrincipalKind


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored in the end. `connected_at` in epoch seconds; `account` if it is one."""

    connected_at: float | None
    account: wire.AccountAdded | None = None


class Target(Protocol):
    """Where the tokens go."""

    @property
    def permission(self) -> Permission:
        """What whoever connects it may do."""

    @property
    def vault_id(self) -> str: ...  # noqa: D102 - said by its name

    @property
    def vault(self) -> str:
        """The vault's present name; empty when it was deleted."""

    @property
    def key(self) -> str:
        """The credential's key; empty for an account."""

    @property
    def provider(self) -> str:
        """The account's provider; empty for a credential."""

    @property
    def login_id(self) -> str:
        """The login that is connected anew; empty for a new one."""

    def check(self) -> None:
        """Raises VaultError: sealed, conflict, bad_request, for what could not be stored."""

    async def store(self, found: Configuration, tokens: TokenSet, by: Principal) -> Stored:
        """Keep the tokens. Raises VaultError: as `check`, vault_not_found."""


@dataclass(frozen=True, slots=True)
class CredentialTarget:
    """A credential of type `oauth`."""

    context: Context
    oauth: OAuthCredentials
    vault_id: str
    key: str
    login_id: str
    provider: str = ""
    permission: Permission = Permission.CHANGE_CREDENTIALS

    @property
    def vault(self) -> str:
        """The vault's present name."""
        return _name(self.context, self.vault_id)

    def check(self) -> None:
        """The key may be a credential of this type or none."""
        self.oauth.check_free(self.context.vault(self.vault), self.key)

    async def store(self, found: Configuration, tokens: TokenSet, by: Principal) -> Stored:
        """Store the login, and the credential if it is new."""
        login = await self.oauth.connected(
            self.vault, self.key, found.client, found.secret, tokens, by
        )
        return Stored(login.connected_at)


@dataclass(frozen=True, slots=True)
class AccountTarget:
    """An account of a provider. `account_id`: the one to be connected anew."""

    context: Context
    accounts: Accounts
    vault_id: str
    known: Provider
    account_id: str
    login_id: str
    nickname: str
    email: str
    tier: str
    join: bool | None
    key: str = ""
    permission: Permission = Permission.CHANGE_ACCOUNTS

    @property
    def vault(self) -> str:
        """The vault's present name."""
        return _name(self.context, self.vault_id)

    @property
    def provider(self) -> str:
        """The provider's id."""
        return self.known.id

    def check(self) -> None:
        """A new account's nickname must be free."""
        if self.context.sealer.sealed:
            raise VaultError("sealed")
        if self.nickname:
            check_nickname(self.nickname)
            present = self.accounts.state.roster.present(self.vault_id, self.known.id)
            taken = {account.nickname.lower() for account in present}
            if not (self.account_id or self.email) and self.nickname.lower() in taken:
                raise VaultError("conflict", f"The nickname {self.nickname} is taken.")
        check_email(self.email)

    async def store(self, found: Configuration, tokens: TokenSet, by: Principal) -> Stored:
        """Add the account; one that is known, by its e-mail too, gets the new tokens."""
        adding = self.accounts.adding
        new = self._new(found, tokens)
        if self.account_id:
            added = await adding.connect_anew(self._account(tokens.subject.email), new, by)
        else:
            added = await adding.add(self.vault, self.known, new, self.join, by)
        return Stored(self.context.clock.time(), added)

    def _new(self, found: Configuration, tokens: TokenSet) -> NewAccount:
        return NewAccount(
            found.client, tokens, self.email, self.nickname, self.tier, secret=found.secret
        )

    def _account(self, email: str) -> Account:
        """Raises VaultError: not_found (removed meanwhile), conflict (somebody else signed in)."""
        account = self.accounts.state.roster.find(self.vault_id, self.account_id)
        if email and account.email and email.lower() != account.email.lower():
            raise VaultError(
                "conflict", f"Signed in as {email}, but account {account.name} is {account.email}."
            )
        return account


def check_still_allowed(context: Context, by: Principal, vault_id: str) -> None:
    """Whoever began a flow must still be allowed to when it ends. Raises VaultError.

    Operators' rights were proved when it began; tokens may have been revoked since.
    """
    if by.kind is PrincipalKind.OPERATOR:
        return
    if by.kind is PrincipalKind.USER:
        _check_user(context, by, vault_id)
        return
    bearer = context.bearer(by.token_sha256)
    role = bearer.grants.get(vault_id) if bearer else None
    expired = bearer is None or bearer.expires_at <= context.clock.time()
    if expired or role is None or not role.at_least(VaultRole.MEMBER):
        raise _not_any_more()


def _check_user(context: Context, by: Principal, vault_id: str) -> None:
    user = present_user(context, by)
    role = user.grants.get(vault_id) if user else None
    kept = role is not None and role.at_least(VaultRole.MEMBER)
    if user is None or not (user.is_owner or kept):
        raise _not_any_more()


def _not_any_more() -> VaultError:
    return VaultError("vault_forbidden", "Whoever began this login may not connect it any more.")


def _name(context: Context, vault_id: str) -> str:
    entry = context.snapshot.by_id.get(vault_id)
    return "" if entry is None else entry.name
