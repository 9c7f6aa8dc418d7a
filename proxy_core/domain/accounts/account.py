"""Accounts: what they are called, and the state they are in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.accounts.cooling import Rest
from proxy_core.domain.accounts.windows import Window, family_of, limits

NICKNAME_MAX = 50
EMAIL_MAX = 254
_BLANK = re.compile(r"\s+")


class AccountState(StrEnum):
    """What an account can be asked for; the first that applies, from the last to the first."""

    ACTIVE = "active"
    COOLING = "cooling"
    EXHAUSTED = "exhausted"
    PAUSED = "paused"
    RECONNECT = "reconnect"


@dataclass(frozen=True, slots=True)
class Account:
    """One login at one provider. Times are epoch seconds."""

    id: str
    vault_id: str
    provider: str
    login_id: str
    email: str
    nickname: str
    tier: str = ""
    priority: int = 0
    is_default: bool = False
    paused: bool = False
    created_at: float = 0.0
    removed_at: float | None = None

    @property
    def name(self) -> str:
        """How screens and logs call it."""
        return self.nickname or self.email or self.id


@dataclass(frozen=True, slots=True)
class Condition:
    """How an account is at the moment: its windows by name, and whether its login works.

    `paying_until`: requests cost money until then, the plan's own quota being used up.
    """

    windows: dict[str, Window] = field(default_factory=dict)
    rest: Rest | None = None
    connected: bool = True
    paying_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, until when it lasts (None: until somebody acts), and why, in words."""

    state: AccountState
    until: float | None = None
    why: str = ""


def standing(account: Account, condition: Condition, now: float, model: str = "") -> Standing:
    """The state of an account for requests that ask for `model`; for any, when that is empty."""
    if not condition.connected:
        return Standing(AccountState.RECONNECT, None, "its login has to be connected again")
    if account.paused:
        return Standing(AccountState.PAUSED, None, "paused")
    full = rejecting(condition, model, now)
    if full:
        last = max(full, key=lambda window: window.resets_at or 0.0)
        return Standing(AccountState.EXHAUSTED, last.resets_at, f"window {last.name} is used up")
    rest = condition.rest
    if rest is not None and now < rest.until:
        return Standing(AccountState.COOLING, rest.until, rest.reason)
    return Standing(AccountState.ACTIVE)


def rejecting(condition: Condition, model: str, now: float) -> list[Window]:
    """The windows that are full now and count for a model."""
    return [
        window
        for name, window in condition.windows.items()
        if limits(name, model) and window.is_rejecting(now)
    ]


def limited_families(condition: Condition, now: float) -> dict[str, float]:
    """Families of models whose own window is full, and when it resets."""
    return {
        family: window.resets_at or now
        for name, window in condition.windows.items()
        if (family := family_of(name)) and window.is_rejecting(now)
    }


# --- names ------------------------------------------------------------------------------------


def nickname_for(email: str, taken: Iterable[str]) -> str:
    """A nickname from an e-mail's prefix that nobody has yet: `ada`, `ada-2`, …"""
    prefix = _BLANK.sub("-", email.partition("@")[0].strip()) or "account"
    prefix = display_safe(prefix)[: NICKNAME_MAX - 4]
    used = {name.lower() for name in taken}
    candidate, number = prefix, 1
    while candidate.lower() in used:
        number += 1
        candidate = f"{prefix}-{number}"
    return candidate


def check_nickname(nickname: str) -> str:
    """A nickname as given. Raises VaultError bad_request: empty, too long, not fit to be shown."""
    if not nickname:
        raise VaultError("bad_request", "The nickname is empty.")
    if len(nickname) > NICKNAME_MAX:
        raise VaultError("bad_request", f"A nickname has at most {NICKNAME_MAX} characters.")
    if _BLANK.search(nickname) or display_safe(nickname) != nickname:
        raise VaultError("bad_request", "A nickname has no blanks and only printable characters.")
    return nickname


def check_email(email: str) -> str:
    """An e-mail as a provider told it or an operator gave it. Raises VaultError bad_request."""
    if len(email) > EMAIL_MAX or _BLANK.search(email) or display_safe(email) != email:
        raise VaultError("bad_request", "That is not an e-mail address.")
    return email


def find_account(accounts: Sequence[Account], text: str) -> Account:
    """By id, e-mail, nickname (whatever the case), or the beginning of one that only one has.

    Raises VaultError: not_found, conflict (several begin so).
    """
    wanted = text.strip().lower()
    for key in (_by_id, _by_email, _by_nickname):
        exact = [account for account in accounts if key(account) == wanted]
        if len(exact) == 1:
            return exact[0]
    begun = [account for account in accounts if wanted and _begins(account, wanted)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        names = ", ".join(sorted(account.name for account in begun))
        raise VaultError("conflict", f"Several accounts are called so: {display_safe(names)}.")
    raise VaultError("not_found", f"There is no account {display_safe(repr(text), 80)}.")


def _by_id(account: Account) -> str:
    return account.id.lower()


def _by_email(account: Account) -> str:
    return account.email.lower()


def _by_nickname(account: Account) -> str:
    return account.nickname.lower()


def _begins(account: Account, wanted: str) -> bool:
    return any(key(account).startswith(wanted) for key in (_by_id, _by_email, _by_nickname))
