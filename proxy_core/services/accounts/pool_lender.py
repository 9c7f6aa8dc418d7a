"""Lends the access tokens of a pool's accounts, and takes the next one after a refusal."""

from collections.abc import Sequence
from dataclasses import replace
from shlex import quote

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.choice import Choice, Exhausted, Wish
from proxy_core.domain.accounts.cooling import TOO_MANY
from proxy_core.domain.accounts.requests import conversation_of
from proxy_core.domain.accounts.responses import OVERLOADED, is_overload
from proxy_core.domain.accounts.strategies import Strategy
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import (
    BorrowedKind,
    Decision,
    Loan,
    RequestDetails,
    ResponseFacts,
    Tried,
)
from proxy_core.services.accounts.observer import Observer
from proxy_core.services.accounts.roster import PoolEntry
from proxy_core.services.accounts.state import AccountState
from proxy_core.services.lending import UNAUTHORIZED, Lent
from proxy_core.services.logins import LoginAccess
from proxy_core.services.snapshot import Borrowed, VaultEntry

_SETTLED = frozenset((Strategy.DEFAULT_FIRST, Strategy.FILL_FIRST))
"""Strategies that keep to one account; the others change it all the time."""
_LOGIN_FAULTS = frozenset(("oauth_not_connected", "oauth_refresh_failed"))


class PoolLender:
    """Implements `services.lending.Lender` for credentials of type `pool`."""

    def __init__(self, state: AccountState, observer: Observer) -> None:
        self._state = state
        self._observer = observer

    async def lend(
        self,
        entry: VaultEntry,
        key: str,
        borrowed: Borrowed,
        decision: Decision,
        request: RequestDetails,
    ) -> Lent:
        """A token of the account that is chosen; one whose login fails is passed over.

        Raises VaultError: accounts_exhausted, account_removed, oauth_not_connected,
        oauth_refresh_failed, sealed, credential_not_found.
        """
        pool = self._state.roster.pools.get(borrowed.credential_id)
        if pool is None:
            raise VaultError("credential_not_found", f"There is no pool {key} any more.")
        self._check_pin(pool, entry, decision.account_id)
        if not self._state.roster.members(pool):
            raise _not_connected(pool, entry)
        conversation = conversation_of(request.headers, request.conversation)
        wish = self._wish(pool, decision, request.model, conversation)
        failure: VaultError | None = None
        while True:
            found = self._state.choose(pool, wish)
            if isinstance(found, Exhausted):
                if failure is None or found.until is not None:
                    raise self._state.exhausted(pool, found)
                raise failure
            account = found.member.account
            life = self._state.lives.of(account.id)
            life.in_flight += 1
            try:
                access = await self._state.logins.access(account.login_id)
            except BaseException as error:
                life.in_flight -= 1
                if not isinstance(error, VaultError) or error.code not in _LOGIN_FAULTS:
                    raise
                if wish.pinned:
                    raise
                failure = error
                wish = replace(wish, tried=(*wish.tried, account.id))
                continue
            return self._lent(pool, found, access, wish, conversation, decision.tried)

    def observe(self, loan: Loan, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Keep what the response tells of the account's quota."""
        self._observer.response(loan.account_id, status, headers)
        if status != UNAUTHORIZED:
            self._state.logins.accepted(loan.login_id, loan.generation)

    async def reconsider(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        """After a 401 the same account with a new token; after a refusal the next account.

        Raises VaultError: accounts_exhausted.
        """
        if response.status == UNAUTHORIZED:
            return await self._with_new_token(decision, loan, response)
        status = OVERLOADED if is_overload(response.event) else response.status
        service = decision.service
        if service is None or status not in service.failover:
            return None
        if status != TOO_MANY:
            self._observer.overloaded(loan.account_id, status, response.headers)
        pool = self._pool_of(loan)
        if pool is None or not response.repeatable or len(self._state.roster.members(pool)) < 2:
            return None
        if self._state.pin_for(pool, decision.account_id):
            return None
        again = replace(decision, tried=(*decision.tried, Tried(loan, status)))
        found = self._state.choose(pool, self._wish(pool, again, loan.model, loan.conversation))
        if isinstance(found, Choice):
            return again
        if status == TOO_MANY:
            raise self._state.exhausted(pool, found)
        return None

    def returned(self, loan: Loan) -> None:
        """One request less under way."""
        life = self._state.lives.of(loan.account_id)
        life.in_flight = max(0, life.in_flight - 1)

    async def _with_new_token(
        self, decision: Decision, loan: Loan, response: ResponseFacts
    ) -> Decision | None:
        before = [one for one in decision.tried if one.loan.account_id == loan.account_id]
        if any(one.status == UNAUTHORIZED for one in before):
            return None
        try:
            mended = await self._state.logins.refused(loan.login_id, loan.generation)
        except VaultError:
            # It has to be connected anew: then the next account, where there is one.
            mended = self._has_others(decision, loan)
            if not mended:
                raise
        if not mended or not response.repeatable:
            return None
        return replace(decision, tried=(*decision.tried, Tried(loan, UNAUTHORIZED)))

    def _has_others(self, decision: Decision, loan: Loan) -> bool:
        pool = self._pool_of(loan)
        if pool is None or self._state.pin_for(pool, decision.account_id):
            return False
        found = self._state.choose(pool, self._wish(pool, decision, loan.model, loan.conversation))
        return isinstance(found, Choice) and found.member.account.id != loan.account_id

    def _wish(self, pool: PoolEntry, decision: Decision, model: str, conversation: str) -> Wish:
        tried = [one.loan.account_id for one in decision.tried if one.status != UNAUTHORIZED]
        sticky = ""
        if decision.tried and decision.tried[-1].status == UNAUTHORIZED:
            sticky = decision.tried[-1].loan.account_id
        elif conversation:
            place = (pool.credential_id, conversation, model)
            sticky = self._state.sticky.get(place, self._state.now)
        pinned = self._state.pin_for(pool, decision.account_id)
        return Wish(model, pinned, sticky, tuple(tried))

    def _check_pin(self, pool: PoolEntry, entry: VaultEntry, account_id: str) -> None:
        """Raises VaultError account_removed: whoever is pinned gets no other account."""
        account = self._state.roster.accounts.get(self._state.pin_for(pool, account_id))
        if account is None or account.removed_at is None:
            return
        remedy = "vault-tui agent unpin NAME"
        raise VaultError(
            "account_removed",
            f"This token is pinned to account {account.name} of vault {entry.name}, which was "
            f"removed. An operator lets it use the others with `{remedy}`, or brings the account "
            "back in the console.",
            extra={"account": account.name, "remedy": remedy},
        )

    def _pool_of(self, loan: Loan) -> PoolEntry | None:
        entry = self._state.context.snapshot.by_id.get(loan.vault_id)
        borrowed = entry.borrowed.get(loan.credential_key) if entry else None
        return self._state.roster.pools.get(borrowed.credential_id) if borrowed else None

    def _lent(
        self,
        pool: PoolEntry,
        found: Choice,
        access: LoginAccess,
        wish: Wish,
        conversation: str,
        tried: tuple[Tried, ...],
    ) -> Lent:
        state, account, now = self._state, found.member.account, self._state.now
        state.lives.of(account.id).last_used_at = now
        state.lives.touch(account.id)
        stays = not tried or tried[-1].status == TOO_MANY  # an overload passes, a cache stays
        if conversation and found.keeps and stays and not wish.pinned:
            state.sticky.put((pool.credential_id, conversation, wish.model), account.id, now)
        if not wish.pinned and wish.sticky != account.id:
            self._note_switch(pool, found, bool(tried))
        loan = Loan(
            vault_id=pool.vault_id,
            credential_key=pool.key,
            login_id=account.login_id,
            generation=access.generation,
            account_id=account.id,
            account=account.name,
            reason=found.reason,
            model=wish.model,
            conversation=conversation,
            shared=not wish.pinned and len(state.roster.members(pool)) > 1,
            kind=BorrowedKind.POOL,
        )
        return Lent(access.value, access.sealed, loan)

    def _note_switch(self, pool: PoolEntry, found: Choice, moved: bool) -> None:
        """Tell consoles when a refusal has moved a request, or the pool has moved on by itself."""
        state, account = self._state, found.member.account
        before = state.switches.chose(pool.credential_id, account.id, found.reason, state.now)
        if before and (moved or pool.strategy in _SETTLED):
            former = state.roster.accounts.get(before)
            state.announce(
                EventType.ACCOUNT_SWITCHED,
                account,
                pool=pool.key,
                former=former.name if former else "",
                reason=found.reason,
            )


def _not_connected(pool: PoolEntry, entry: VaultEntry) -> VaultError:
    """Waiting does not help a pool without an account."""
    remedy = f"vault-tui account add --provider {quote(pool.provider)} --pool --vault {entry.name}"
    return VaultError(
        "oauth_not_connected",
        f"Pool {pool.key} of vault {entry.name} has no account. "
        f"An operator mends it with `{remedy}`.",
        extra={"credential_key": pool.key, "remedy": remedy},
    )
