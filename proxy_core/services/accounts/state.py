"""What lending, observing and administration share: the roster, and what is known beside it."""

from collections.abc import Sequence
from dataclasses import replace
from shlex import quote

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import Account, Condition, Standing, standing
from proxy_core.domain.accounts.choice import Choice, Exhausted, Wish, choose
from proxy_core.domain.accounts.strategies import Member
from proxy_core.domain.events import EventType
from proxy_core.services.accounts.lives import Lives
from proxy_core.services.accounts.roster import PoolEntry, Roster
from proxy_core.services.accounts.sticky import Sticky
from proxy_core.services.accounts.switches import Switches
from proxy_core.services.context import Context
from proxy_core.services.logins import Logins, LoginState
from proxy_core.services.snapshot import Borrowed

UNKNOWN_WAIT = 60
"""Seconds to wait when nobody knows when an account will be usable again."""


class AccountState:
    """Belongs to the worker's loop. `roster` is replaced as a whole."""

    def __init__(self, context: Context, logins: Logins) -> None:
        self.context = context
        self.logins = logins
        self.roster = Roster()
        self.lives = Lives()
        self.sticky = Sticky()
        self.switches = Switches()

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.context.clock.time()

    def condition(self, account: Account) -> Condition:
        """How an account is now, for the rules."""
        login = self.logins.get(account.login_id)
        connected = login is not None and login.state is LoginState.CONNECTED
        return self.lives.of(account.id).condition(connected)

    def standing(self, account: Account, model: str = "") -> Standing:
        """The state an account is in now."""
        return standing(account, self.condition(account), self.now, model)

    def choose(self, pool: PoolEntry, wish: Wish) -> Choice | Exhausted:
        """Choose an account of a pool; nothing is noted."""
        accounts = self.roster.members(pool)
        pinned = self.roster.accounts.get(wish.pinned)
        if pinned is not None and pinned.removed_at is None and pinned not in accounts:
            accounts.append(pinned)
        members = self._members(pool, accounts)
        return choose(pool.strategy, pool.settings, members, wish, self.now)

    def pin_for(self, pool: PoolEntry, account_id: str) -> str:
        """A client's pinned account, where it is one of the pool's provider and vault."""
        account = self.roster.accounts.get(account_id)
        if account is None or account.vault_id != pool.vault_id:
            return ""
        return account_id if account.provider == pool.provider else ""

    def _members(self, pool: PoolEntry, accounts: Sequence[Account]) -> list[Member]:
        return [
            Member(
                account,
                self.condition(account),
                position,
                self.lives.of(account.id).in_flight,
                self.switches.last_taken(pool.credential_id, account.id),
            )
            for position, account in enumerate(accounts)
        ]

    def lend_from(self, pool: PoolEntry, borrowed: Borrowed | None) -> None:
        """Let services find the pool's credential, or no more (None)."""
        context = self.context
        entry = context.snapshot.by_id.get(pool.vault_id)
        if entry is None:
            return
        kept = {key: one for key, one in entry.borrowed.items() if key != pool.key}
        if borrowed is not None:
            kept[pool.key] = borrowed
        context.snapshot = context.snapshot.with_vault(replace(entry, borrowed=kept))

    def announce_pool(self, type: EventType, pool: PoolEntry, by: str) -> None:
        """Tell consoles of a pool and its credential."""
        entry = self.context.snapshot.by_id.get(pool.vault_id)
        facts = {"vault": entry.name if entry else "", "name": pool.key, "type": "pool", "by": by}
        self.context.bus.publish(type.value, facts)

    def announce(
        self, type: EventType, account: Account, by: str = "worker", **data: object
    ) -> None:
        """Tell consoles of an account. `data` holds no secret."""
        entry = self.context.snapshot.by_id.get(account.vault_id)
        vault = entry.name if entry else ""
        facts = {"vault": vault, "name": account.name, "id": account.id, **data, "by": by}
        self.context.bus.publish(type.value, facts)

    def exhausted(self, pool: PoolEntry, found: Exhausted) -> VaultError:
        """The answer when no account can be taken; always with a time to wait."""
        wait = UNKNOWN_WAIT
        if found.until is not None:
            wait = max(1, round(found.until - self.now + 0.5))
        remedy, what = "vault-tui account list", found.reason
        if found.paused:
            entry = self.context.snapshot.by_id.get(pool.vault_id)
            where = f" --vault {entry.name}" if entry else ""
            remedy = f"vault-tui account resume {quote(found.paused[0])}{where}"
            names = ", ".join(found.paused)
            what = f"an operator has paused {names}, and lets it serve again with `{remedy}`"
        return VaultError(
            "accounts_exhausted",
            f"No account of {pool.key} can be used now: {what}.",
            {"credential_key": pool.key, "remedy": remedy},
            retry_after=wait,
        )
