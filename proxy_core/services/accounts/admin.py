"""What operators do with accounts that are there: name, pause, remove, refresh, look at, pin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from proxy_core.domain.accounts.account import Account, check_nickname
from proxy_core.domain.events import EventType
from proxy_core.services.accounts.keeping import KEPT_DAYS
from proxy_core.services.accounts.polling import Polling
from proxy_core.services.accounts.roster import account_of
from proxy_core.services.accounts.shown import shown_account
from proxy_core.services.accounts.state import AccountState
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer
from proxy_core.store import accounts as store

MAX_TIER = 50
PRIORITIES = range(-1000, 1001)


class AccountAdmin:
    """Accounts are named by id, e-mail, nickname or a prefix that only one has.

    Every method raises VaultError: vault_not_found, not_found, conflict (several are called so).
    """

    def __init__(self, state: AccountState, polling: Polling) -> None:
        self._state = state
        self._polling = polling

    def list(self, vault: str, provider: str = "", *, removed: bool = False) -> wire.AccountList:
        """A vault's accounts; with `removed` those that can be brought back."""
        vault_id = self._state.context.vault(vault).id
        accounts = self._state.roster.present(vault_id, provider)
        if removed:
            accounts = [
                one
                for one in self._state.roster.accounts.values()
                if one.vault_id == vault_id
                and one.removed_at is not None
                and provider in ("", one.provider)
            ]
        return wire.AccountList(accounts=[shown_account(self._state, one) for one in accounts])

    def get(self, vault: str, name: str) -> wire.AccountInfo:
        """One account."""
        return shown_account(self._state, self._find(vault, name))

    async def change(
        self, name: str, request: wire.ChangeAccount, by: Principal
    ) -> wire.AccountInfo:
        """Nickname, priority, tier. Raises VaultError: bad_request, conflict (nickname taken)."""
        account = self._find(request.vault, name)
        changes = _changes(request)
        if not changes:
            return shown_account(self._state, account)
        shown = await self._change(account, by, "changed", _setting(account, changes))
        if account.nickname != shown.nickname:
            await self._reload_login(account)
        return shown

    async def use(self, vault: str, name: str, by: Principal) -> wire.AccountInfo:
        """Let it be its provider's default."""
        account = self._find(vault, name)

        def work(session: Session) -> None:
            store.make_default(session, account.id)

        return await self._change(account, by, "default", work)

    async def pause(self, vault: str, name: str, by: Principal) -> wire.AccountInfo:
        """Take it for no more requests; its tokens are refreshed all the same."""
        account = self._find(vault, name)
        self._state.sticky.forget(account.id)
        return await self._change(account, by, "paused", _setting(account, {"paused": True}))

    async def resume(self, vault: str, name: str, by: Principal) -> wire.AccountInfo:
        """Take it again, and forget that it rests."""
        account = self._find(vault, name)
        self._state.lives.of(account.id).accept()
        self._state.lives.touch(account.id)
        return await self._change(account, by, "resumed", _setting(account, {"paused": False}))

    async def remove(self, vault: str, name: str, by: Principal) -> wire.AccountRemoved:
        """It serves no more, and who is pinned to it is refused; for 30 days it can be brought
        back.
        """
        account, now = self._find(vault, name), self._state.now

        def work(session: Session) -> None:
            store.remove_account(session, account.id, now)

        await self._change(account, by, "removed", work)
        self._state.sticky.forget(account.id)
        return wire.AccountRemoved(
            name=account.name,
            removed=True,
            restorable_until=rfc3339(now + KEPT_DAYS * 86_400.0),
        )

    async def restore(self, vault: str, name: str, by: Principal) -> wire.AccountInfo:
        """Bring back what was removed. Raises VaultError: conflict (its names are taken)."""
        vault_id = self._state.context.vault(vault).id
        account = self._state.roster.find_removed(vault_id, name)

        def work(session: Session) -> None:
            store.restore_account(session, account.id)

        return await self._change(account, by, "restored", work)

    async def refresh(self, vault: str, name: str, by: Principal) -> wire.AccountInfo:
        """Refresh its tokens now. Raises VaultError: oauth_not_connected, oauth_refresh_failed."""
        account = self._find(vault, name)
        await self._state.logins.force(account.login_id, by)
        return shown_account(self._state, account)

    async def ask_quota(self, vault: str, name: str) -> wire.AccountInfo:
        """Ask the provider for its quota now, unless that was done a moment ago."""
        account = self._find(vault, name)
        await self._polling.ask(account)
        return shown_account(self._state, account)

    # --- pins ---------------------------------------------------------------------------------

    async def pin(self, name: str, request: wire.PinAccount, by: Principal) -> wire.Pinned:
        """Let an agent or a session use this account alone. Raises VaultError: bad_request."""
        account = self._find(request.vault, name)
        return await self._pin(request, account, by)

    async def unpin(self, request: wire.PinAccount, by: Principal) -> wire.Pinned:
        """Let it use any account again. Raises VaultError: bad_request."""
        self._state.context.vault(request.vault)
        return await self._pin(request, None, by)

    async def _pin(
        self, request: wire.PinAccount, account: Account | None, by: Principal
    ) -> wire.Pinned:
        if bool(request.agent) == bool(request.session):
            raise VaultError("bad_request", "Name either an agent or a session.")
        context = self._state.context
        vault_id = context.vault(request.vault).id
        account_id = account.id if account else None

        def work(session: Session) -> bytes:
            if request.agent:
                return store.pin_agent(session, request.agent, account_id).token_sha256
            return store.pin_session(session, vault_id, request.session, account_id).token_sha256

        def then(token: bytes) -> None:
            bearer = context.snapshot.bearers.get(token)
            if bearer is not None:
                self._put_bearer(replace(bearer, account_id=account_id or ""))
            who = request.agent or request.session
            if account is not None:
                self._announce(account, by, change="pinned", to=who)
            changed = EventType.AGENT_CHANGED if request.agent else EventType.SESSION_CHANGED
            context.publish(
                changed,
                by,
                name=who,
                change="pinned" if account else "unpinned",
                account=account.name if account else "",
            )

        await context.change(work, then)
        return wire.Pinned(
            account=account.name if account else "", agent=request.agent, session=request.session
        )

    def _put_bearer(self, bearer: Bearer) -> None:
        context = self._state.context
        context.snapshot = context.snapshot.with_bearer(bearer)

    # --- shared -------------------------------------------------------------------------------

    def _find(self, vault: str, name: str) -> Account:
        return self._state.roster.find(self._state.context.vault(vault).id, name)

    async def _change(
        self, account: Account, by: Principal, change: str, work: Callable[[Session], None]
    ) -> wire.AccountInfo:
        """Carry out `work`; what it changed of the provider's other accounts counts too."""
        state = self._state

        def changed(session: Session) -> list[Account]:
            work(session)
            rows = store.list_accounts(session, account.vault_id)
            return [account_of(row) for row in rows if row.provider == account.provider]

        def then(accounts: Sequence[Account]) -> None:
            state.roster = state.roster.with_accounts(accounts)
            self._announce(state.roster.accounts[account.id], by, change=change)

        await state.context.change(changed, then)
        return shown_account(state, state.roster.accounts[account.id])

    def _announce(self, account: Account, by: Principal, **data: object) -> None:
        found = self._state.standing(account)
        self._state.announce(
            EventType.ACCOUNT_CHANGED, account, by=by.label, state=found.state, **data
        )

    async def _reload_login(self, account: Account) -> None:
        """A login tells its account's nickname in events and remedies."""
        logins = self._state.logins
        login = await self._state.context.database.read(
            lambda session: logins.load(session, account.login_id)
        )
        logins.put(login)


def _setting(account: Account, columns: Mapping[str, Any]) -> Callable[[Session], None]:
    """What sets columns of an account."""

    def work(session: Session) -> None:
        store.change_account(session, account.id, **columns)

    return work


def _changes(request: wire.ChangeAccount) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.nickname is not None:
        changes["nickname"] = check_nickname(request.nickname)
    if request.priority is not None:
        if request.priority not in PRIORITIES:
            raise VaultError("bad_request", "priority must be from -1000 to 1000.")
        changes["priority"] = request.priority
    if request.tier is not None:
        changes["tier"] = check_tier(request.tier)
    return changes


def check_tier(tier: str) -> str:
    """Raises VaultError bad_request."""
    if len(tier) > MAX_TIER or display_safe(tier) != tier:
        raise VaultError("bad_request", f"A tier is a name of at most {MAX_TIER} characters.")
    return tier
