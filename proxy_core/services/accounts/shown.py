"""Accounts and pools as the API shows them."""

from proxy_core.base.clock import rfc3339
from proxy_core.domain import wire
from proxy_core.domain.accounts.account import Account, limited_families
from proxy_core.domain.accounts.burning import burn_rate, time_to_empty
from proxy_core.domain.accounts.choice import Exhausted, Wish
from proxy_core.domain.accounts.pool_settings import PoolSettings, pool_settings_document
from proxy_core.domain.accounts.windows import Window, family_of
from proxy_core.services.accounts.lives import Life
from proxy_core.services.accounts.roster import PoolEntry
from proxy_core.services.accounts.state import AccountState


def shown_account(state: AccountState, account: Account) -> wire.AccountInfo:
    """Everything that may be shown of an account: no token."""
    login, life = state.logins.get(account.login_id), state.lives.of(account.id)
    found, now = state.standing(account), state.now
    condition = state.condition(account)
    return wire.AccountInfo(
        id=account.id,
        provider=account.provider,
        email=account.email,
        nickname=account.nickname,
        tier=account.tier,
        priority=account.priority,
        default=account.is_default,
        paused=account.paused,
        created_at=rfc3339(account.created_at),
        last_used_at=_time(life.last_used_at),
        expires_at=_time(login.expires_at if login else None),
        state=found.state.value,
        until=_time(found.until),
        why=found.why,
        windows=_windows(state, account, life),
        limited={
            family: rfc3339(until) for family, until in limited_families(condition, now).items()
        },
        pools=[pool.key for pool in _pools_of(state, account)],
        in_flight=life.in_flight,
        next_refresh_at=_time(login.next_refresh_at if login else None),
        last_refresh_at=_time(login.last_refresh_at if login else None),
        refresh_count=login.refresh_count if login else 0,
        last_error=login.last_error if login else "its login was deleted",
        quota_error=life.poll_error,
        quota_asked_at=_time(life.polled_at or None),
        removed_at=_time(account.removed_at),
    )


def shown_pool(state: AccountState, pool: PoolEntry) -> wire.PoolInfo:
    """A pool with its accounts' nicknames, in order."""
    current = state.roster.accounts.get(state.switches.current(pool.credential_id))
    return wire.PoolInfo(
        key=pool.key,
        provider=pool.provider,
        strategy=pool.strategy.value,
        accounts=[account.nickname for account in state.roster.members(pool)],
        settings=pool_settings_document(pool.settings),
        current=current.nickname if current else "",
    )


def shown_choices(state: AccountState, pool: PoolEntry, model: str = "") -> wire.PoolChoices:
    """What a new conversation would get, and what was chosen lately."""
    found = state.choose(pool, Wish(model))
    return wire.PoolChoices(
        key=pool.key,
        next="" if isinstance(found, Exhausted) else found.member.account.nickname,
        reason=found.reason,
        until=_time(found.until) if isinstance(found, Exhausted) else None,
        latest=[
            wire.AccountChoice(
                at=rfc3339(switch.at),
                account=_name(state, switch.to_account),
                former=_name(state, switch.from_account),
                reason=switch.reason,
            )
            for switch in state.switches.latest(pool.credential_id)
        ],
    )


def _windows(state: AccountState, account: Account, life: Life) -> list[wire.QuotaWindow]:
    pools = _pools_of(state, account)
    warn_left = max((pool.settings.warn_left for pool in pools), default=PoolSettings().warn_left)
    return [
        _window(window.at(state.now), life, warn_left, state.now)
        for _, window in sorted(life.windows.items())
    ]


def _window(window: Window, life: Life, warn_left: float, now: float) -> wire.QuotaWindow:
    samples = life.samples.get(window.name, ()) if window.resets_at is not None else ()
    rate = burn_rate(samples)
    left = window.left
    return wire.QuotaWindow(
        name=window.name,
        used=window.used,
        left=left,
        resets_at=_time(window.resets_at),
        status=window.status.value,
        family=family_of(window.name),
        warns=window.is_rejecting(now) or (left is not None and left <= warn_left),
        observed_at=rfc3339(window.observed_at),
        burn_per_hour=None if rate is None else rate * 3600,
        empty_in_seconds=time_to_empty(samples, now),
    )


def _pools_of(state: AccountState, account: Account) -> list[PoolEntry]:
    pools = state.roster.pools_of(account.vault_id)
    return [pool for pool in pools if account.id in pool.members]


def _name(state: AccountState, account_id: str) -> str:
    account = state.roster.accounts.get(account_id)
    return account.name if account else ""


def _time(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
