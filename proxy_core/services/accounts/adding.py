"""A new account: its tokens proven, its login, its names, and the pool that it serves.

The first account of a provider creates the provider's pool credential. A further one joins it only
if the operator says so: nothing moves between accounts unless somebody has put two into one pool.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

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
from proxy_core.domain.exchange import BorrowedKind
from proxy_core.domain.oauth import (
    OAuthClient,
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
from proxy_core.services.logins import Login, proven
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Borrowed
from proxy_core.store import accounts as store
from proxy_core.store import tables
from proxy_core.store import vaults as vault_store


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a connection to a provider has brought. Names may be empty: they are made up then.

    `created_at` and `last_used_at` in epoch seconds, where another tool has kept it until now.
    """

    client: OAuthClient
    tokens: TokenSet
    email: str = ""
    nickname: str = ""
    tier: str = ""
    secret: bytes | None = field(default=None, repr=False)
    created_at: float | None = None
    last_used_at: float | None = None

    @property
    def named_email(self) -> str:
        """The e-mail that was given, else the one that the provider told."""
        return self.email or self.tokens.subject.email


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
        """Add an account from tokens, or connect the one of that e-mail anew.

        A refresh token is proven by refreshing at once; a failure stores nothing.
        Raises VaultError: bad_request, conflict, sealed, oauth_refresh_failed.
        """
        known = provider(request.provider)
        client = _client_of(known, request, self._allow_http_loopback)
        tokens = pasted_tokens(request.tokens, self._state.now)
        secret = request.client_secret.encode() or None
        told = NewAccount(
            client,
            tokens,
            request.email,
            request.nickname,
            request.tier,
            secret=secret,
            created_at=self._past(request.created_at, "created_at"),
            last_used_at=self._past(request.last_used_at, "last_used_at"),
        )
        self.check(request.vault, known, told)

        async def steps() -> wire.AccountAdded:
            good = await proven(self._state.logins.source, client, secret, tokens)
            new = replace(told, tokens=good)
            return await self.add(request.vault, known, new, request.join, by)

        return await self._state.context.carry_through(steps())

    async def add(
        self, vault: str, known: Provider, new: NewAccount, join: bool | None, by: Principal
    ) -> wire.AccountAdded:
        """Store an account whose tokens are known to be good. VaultError: conflict, sealed.

        The account that has this e-mail already is connected anew: its tokens were rotated, the
        old ones are worth nothing any more.
        """
        state = self._state
        same = self.check(vault, known, new)
        if same is not None:
            return await self.connect_anew(same, new, by)

        def work(session: Session) -> _Added:
            vault_id = vault_store.vault_by_name(session, vault).id
            login = state.logins.create(session, vault_id, new.client, new.secret, new.tokens)
            account = self._store(session, vault_id, known, new, login.id)
            login = state.logins.load(session, login.id)
            pool, created, suggested = self._pool(session, account, known, join)
            return _Added(account, login, pool, created, suggested)

        added = await state.context.change(work, lambda added: self._took(added, new, by))
        return wire.AccountAdded(
            account=shown_account(state, added.account),
            pool=added.pool.key if added.pool else "",
            created=added.created,
            suggested=added.suggested,
        )

    async def connect_anew(
        self, account: Account, new: NewAccount, by: Principal
    ) -> wire.AccountAdded:
        """Give a known account the tokens of a new login. Raises VaultError: sealed, not_found."""
        state = self._state

        def work(session: Session) -> Login:
            return state.logins.replace_tokens(
                session, account.login_id, new.tokens, client=new.client, secret=new.secret
            )

        def then(login: Login) -> None:
            state.logins.put(login)
            found = state.standing(account).state
            state.announce(
                EventType.ACCOUNT_CHANGED, account, by=by.label, state=found, change="reconnected"
            )

        await state.context.change(work, then)
        pools = state.roster.pools_of(account.vault_id)
        return wire.AccountAdded(
            account=shown_account(state, account),
            pool=next((pool.key for pool in pools if account.id in pool.members), ""),
            created=False,
            reconnected=True,
        )

    def check(self, vault: str, known: Provider, new: NewAccount) -> Account | None:
        """Refuse what is wrong before a token is spent for it; the account of the same e-mail.

        Raises VaultError: vault_not_found, sealed, bad_request, conflict (the nickname is taken).
        """
        context = self._state.context
        if context.sealer.sealed:
            raise VaultError("sealed")
        if new.nickname:
            check_nickname(new.nickname)
        email = check_email(new.named_email).lower()
        present = self._state.roster.present(context.vault(vault).id, known.id)
        same = next((one for one in present if email and one.email.lower() == email), None)
        for other in present:
            if other is not same and new.nickname.lower() == other.nickname.lower():
                raise VaultError("conflict", f"The nickname {new.nickname} is taken.")
        return same

    def _store(
        self, session: Session, vault_id: str, known: Provider, new: NewAccount, login_id: str
    ) -> Account:
        others = store.present(session, vault_id, known.id)
        email = check_email(new.named_email)
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
            created_at=self._state.now if new.created_at is None else new.created_at,
            last_used_at=new.last_used_at,
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

    def _past(self, text: str, where: str) -> float | None:
        """A moment that is over, in epoch seconds. Raises VaultError bad_request."""
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            seconds = moment.timestamp() if moment.tzinfo else -1.0
        except (ValueError, OverflowError):
            seconds = -1.0
        if seconds < 0:
            raise VaultError("bad_request", f"{where} must be a time such as 2026-01-31T12:00:00Z.")
        return min(seconds, self._state.now)

    def _took(self, added: _Added, new: NewAccount, by: Principal) -> None:
        state = self._state
        state.lives.of(added.account.id).last_used_at = new.last_used_at
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


def _client_of(known: Provider, request: wire.AddAccount, allow_http_loopback: bool) -> OAuthClient:
    """The provider's client with what the request says instead.

    Raises VaultError: bad_request, not_found (no such provider).
    """
    document = client_document(preset(known.preset).client)
    if request.token_url:
        document["token_url"] = request.token_url
    if request.client_id:
        document["client_id"] = request.client_id
    return parse_client(document, allow_http_loopback)
