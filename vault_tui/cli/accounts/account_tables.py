"""How accounts, quota and choices are printed; and the document that other tools read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from proxy_core.domain.wire import AccountInfo, PoolChoices, QuotaWindow
from vault_tui.cli import output

_SHOWN_CHOICES = 10


def document(accounts: Sequence[AccountInfo]) -> dict[str, Any]:
    """`accounts.json`, as tools that manage accounts keep it: by provider, and by e-mail in it.

    Each account has all our fields beside `createdAt` and `lastUsedAt`.
    """
    providers: dict[str, Any] = {}
    for one in accounts:
        listed = providers.setdefault(one.provider, {"default": None, "accounts": {}})
        key = one.email or one.nickname
        if one.default:
            listed["default"] = key
        listed["accounts"][key] = {
            **msgspec.to_builtins(one),
            "createdAt": one.created_at,
            "lastUsedAt": one.last_used_at,
        }
    return {"version": 1, "providers": providers}


def emit_accounts(accounts: Sequence[AccountInfo], empty: str) -> None:
    """One line an account."""
    output.emit_table(
        ("NAME", "PROVIDER", "E-MAIL", "STATE", "UNTIL", "QUOTA LEFT", "POOLS", "LAST USED"),
        (
            (
                f"{one.nickname} *" if one.default else one.nickname,
                one.provider,
                one.email,
                one.state,
                one.until,
                ", ".join(_left(window) for window in one.windows),
                one.pools,
                one.last_used_at,
            )
            for one in accounts
        ),
        empty,
    )
    for one in accounts:
        if one.last_error:
            name, error = output.safe(one.nickname), output.safe(one.last_error)
            output.emit(f"{name}: its token was not renewed: {error}")


def emit_quota(accounts: Sequence[AccountInfo]) -> None:
    """One line a window."""
    output.emit_table(
        ("ACCOUNT", "WINDOW", "USED", "LEFT", "RESETS", "STATUS", "PER HOUR", "EMPTY IN"),
        (
            (
                one.nickname,
                window.name,
                _share(window.used),
                _share(window.left),
                window.resets_at,
                window.status,
                _share(window.burn_per_hour),
                _span(window.empty_in_seconds),
            )
            for one in accounts
            for window in one.windows
        ),
        "Nothing is known of any quota yet: `vault-tui account quota --refresh` asks.",
    )
    for one in accounts:
        if one.quota_error:
            output.emit(f"{output.safe(one.nickname)}: {output.safe(one.quota_error)}")


def emit_choices(found: Sequence[PoolChoices], only: str = "") -> None:
    """What each pool would choose, and its latest choices; of account `only` when given."""
    for pool in found:
        chosen = f"{output.safe(pool.next)}: " if pool.next else "no account: "
        output.emit(f"{output.safe(pool.key)} would choose {chosen}{output.safe(pool.reason)}")
        latest = [one for one in pool.latest if only in ("", one.account, one.former)]
        for one in latest[:_SHOWN_CHOICES]:
            former = f" (before: {output.safe(one.former)})" if one.former else ""
            account, reason = output.safe(one.account), output.safe(one.reason)
            output.emit(f"  {output.safe(one.at)}  {account}{former}: {reason}")


def _left(window: QuotaWindow) -> str:
    warning = "!" if window.warns else ""
    return f"{window.name} {_share(window.left) or window.status}{warning}"


def _share(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


def _span(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    hours, minutes = divmod(round(seconds / 60), 60)
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if days else f"{hours}h {minutes}m"
