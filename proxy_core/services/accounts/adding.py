"""A new account: its tokens proven, its login, its names, and the pool that it serves.

The first account of a provider creates the provider's pool credential. A further one joins it only
if the operator says so: nothing moves between accounts unless somebody has put two into one pool.
"""

from dataclasses import dataclass, replace

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.accounts.account import (
    Account,
    check_email,
    check_nickname,
    nickname_for,
)
from proxy_core.domain.accounts.providers import Provider, provider
from proxy_core.domain.events import EventType
from proxy_core.domain.oauth import (
    OAuthClient,
    TokenError,
    TokenSet,
    client_document,
    parse_client,
    pasted_tokens,
    preset,
)
from proxy_core.services.accounts.admin import check_tier
from proxy_core.services.accounts.pools import created_pool, joined_pool
from proxy_core.services.accounts.roster import PoolEntry, account_of
from proxy_core.services.accounts.shown import shown_account
from proxy_core.services.accounts.state import AccountState
from proxy_core.services.logins import Login
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Borrowed, BorrowedKind
from proxy_core.store import accounts as store
from proxy_core.store import tables
from proxy_core.store import vaults as vault_store


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a connection to a provider has brought. Names may be empty: they are made up then."""

    client: OAuthClient
    tokens: TokenSet
    email: str = ""
    nickname: str = ""
    tier: str = ""
    secret: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Added:
    account: Account
    login: Login
    pool: PoolEntry | None
    created: bool
    suggested: str


class AddingAccounts:
    """`allow_http_loopback`: token endpoints at loopback addresses may be http."""

    def __init__(self, state: AccountState, allow_http_loopback: bool) -> None:
        self._state = state
        self._allow_http_loopback = allow_http_loopback

    async def paste(self, request: wire.AddAccount, by: Principal) -> wire.AccountAdded:
        """Add an account from tokens; a refresh token is proven by refreshing at once.

        Raises VaultError: bad_request, conflict, sealed, oauth_refresh_failed.
        """
        known = provider(request.provider)
        client = self._client(known, request)
        tokens = pasted_tokens(request.tokens, self._state.now)
        self._check(request.vault, known, request.email or tokens.subject.email, request.nickname)

        async def steps() -> wire.AccountAdded:
            proven = await self._proven(client, tokens)
            new = NewAccount(client, proven, request.email, request.nickname, request.tier)
            return await self.add(request.vault, known, new, request.join, by)

        return await self._state.context.carry_through(steps())

    async def add(
        self, vault: str, known: Provider, new: NewAccount, join: bool | None, by: Principal
    ) -> wire.AccountAdded:
        """Store an account whose tokens are known to be good. VaultError: conflict, sealed."""
        state = self._state
        self._check(vault, known, new.email or new.tokens.subject.email, new.nickname)

        def work(session: Session) -> _Added:
            vault_id = vault_store.vault_by_name(session, vault).id
            login = state.logins.create(session, vault_id, new.client, new.secret, new.tokens)
            account = self._store(session, vault_id, known, new, login.id)
            login = state.logins.load(session, login.id)
            pool, created, suggested = self._pool(session, account, known, join)
            return _Added(account, login, pool, created, suggested)

        added = await state.context.change(work, lambda added: self._took(added, by))
        return wire.AccountAdded(
            account=shown_account(state, added.account),
            pool=added.pool.key if added.pool else "",
            created=added.created,
            suggested=added.suggested,
        )

    def _client(self, known: Provider, request: wire.AddAccount) -> OAuthClient:
        document = client_document(preset(known.preset).client)
        if request.token_url:
            document["token_url"] = request.token_url
        if request.client_id:
            document["client_id"] = request.client_id
        return parse_client(document, allow_http_loopback=self._allow_http_loopback)

    async def _proven(self, client: OAuthClient, tokens: TokenSet) -> TokenSet:
        if tokens.refresh_token is None:
            return tokens
        try:
            source = self._state.logins.source
            fresh = await source.refresh(client, None, tokens.refresh_token)
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

    def _check(self, vault: str, known: Provider, email: str, nickname: str) -> None:
        """Refuse what is wrong before a token is spent for it."""
        context = self._state.context
        if context.sealer.sealed:
            raise VaultError("sealed")
        if nickname:
            check_nickname(nickname)
        check_email(email)
        for other in self._state.roster.present(context.vault(vault).id, known.id):
            if email and other.email.lower() == email.lower():
                raise VaultError("conflict", f"Account {other.name} has this e-mail already.")
            if nickname and other.nickname.lower() == nickname.lower():
                raise VaultError("conflict", f"The nickname {nickname} is taken.")

    def _store(
        self, session: Session, vault_id: str, known: Provider, new: NewAccount, login_id: str
    ) -> Account:
        others = store.present(session, vault_id, known.id)
        email = check_email(new.email or new.tokens.subject.email)
        nickname = new.nickname or nickname_for(email, [other.nickname for other in others])
        row = tables.Account(
            id=new_id(),
            vault_id=vault_id,
            provider=known.id,
            login_id=login_id,
            email=email,
            nickname=nickname,
            tier=check_tier(new.tier or new.tokens.subject.tier),
            priority=1 + max((other.priority for other in others), default=-1),
            is_default=not any(other.is_default for other in others),
            created_at=self._state.now,
        )
        return account_of(store.add_account(session, row))

    def _pool(
        self, session: Session, account: Account, known: Provider, join: bool | None
    ) -> tuple[PoolEntry | None, bool, str]:
        """The pool it serves, whether that is new, and one that it might join."""
        roster = self._state.roster
        others = roster.present(account.vault_id, known.id)
        for pool in roster.pools_of(account.vault_id):
            if pool.key == known.pool_key and pool.provider == known.id:
                if join or (join is None and not roster.members(pool)):
                    return joined_pool(session, pool, [account.id]), False, ""
                return None, False, pool.key
        entry = self._state.context.snapshot.by_id[account.vault_id]
        if others or join is False or known.pool_key in {**entry.secrets, **entry.borrowed}:
            return None, False, ""
        now = self._state.now
        return created_pool(session, account.vault_id, known, [account.id], now), True, ""

    def _took(self, added: _Added, by: Principal) -> None:
        state = self._state
        state.roster = state.roster.with_accounts((added.account,))
        state.logins.put(added.login)
        if added.pool is not None:
            state.roster = state.roster.with_pool(added.pool)
        if added.pool is not None and added.created:
            state.lend_from(added.pool, Borrowed(BorrowedKind.POOL, added.pool.credential_id))
            state.announce_pool(EventType.CREDENTIAL_CHANGED, added.pool, by.label)
        state.announce(
            EventType.ACCOUNT_CHANGED,
            added.account,
            by=by.label,
            state=state.standing(added.account).state,
            change="added",
        )
