"""The form of a pool: which accounts, in which order, by which strategy, with which thresholds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.accounts.pool_settings import PoolSettings
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.wire import AccountInfo, PoolInfo
from vault_tui.screens.form import FormDialog
from vault_tui.strings import accounts as words
from vault_tui.widgets.tick import Tick

_SHARES = (("warn_left", words.POOL_WARN), ("move_left", words.POOL_MOVE))
_KEPT = ("reserve", words.POOL_RESERVE)


@dataclass(frozen=True, slots=True)
class PoolDraft:
    """What the form says. `members` are account ids; `priorities` those that have changed.

    `delete`: the pool shall go; nothing else of the draft counts then.
    """

    key: str
    strategy: str = ""
    settings: dict[str, Any] | None = None
    members: tuple[str, ...] = ()
    priorities: tuple[tuple[str, int], ...] = ()
    delete: bool = False


class PoolForm(FormDialog[PoolDraft]):
    """`pool` None: a new one. `accounts` are the vault's."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+d", "delete", show=False, priority=True)]

    def __init__(self, pool: PoolInfo | None, accounts: Sequence[AccountInfo]) -> None:
        title = words.POOL_FORM_NEW if pool is None else words.POOL_FORM_TITLE.format(key=pool.key)
        super().__init__(title, words.POOL_KEYS_NEW if pool is None else words.POOL_KEYS)
        self._pool = pool
        self._accounts = [a for a in accounts if pool is None or a.provider == pool.provider]

    def fields(self) -> Iterable[Widget]:
        """Name, strategy, members, thresholds."""
        pool = self._pool
        if pool is None:
            yield self.line("key", words.POOL_NAME, words.POOL_NAME_HINT)
        strategy = pool.strategy if pool else "default-first"
        yield self.choice("strategy", words.POOL_STRATEGY, words.STRATEGIES, strategy)
        yield self.heading(words.POOL_MEMBERS)
        for number, account in enumerate(self._accounts):
            yield self._member(number, account)
        given = {**_defaults(), **(pool.settings if pool else {})}
        for name, label in (*_SHARES, _KEPT):
            yield self.line(name, label, value=f"{float(given[name]) * 100:g}")
        extra = Tick(words.POOL_EXTRA, bool(given["allow_extra_usage"]), id="extra", compact=True)
        yield Horizontal(Label("", markup=False), extra, classes="field")

    def _member(self, number: int, account: AccountInfo) -> Widget:
        joined = self._pool is not None and account.nickname in self._pool.accounts
        name = display_safe(f"{account.nickname}  {account.email}", 60)
        tick = Tick(name.replace("[", "\\["), joined, id=f"member-{number}", compact=True)
        priority = Input(str(account.priority), compact=True, id=f"priority-{number}")
        return Horizontal(tick, priority, classes="field member")

    def action_delete(self) -> None:
        """Let the pool go; asked about before it is done."""
        if self._pool is not None:
            self.dismiss(PoolDraft(self._pool.key, delete=True))

    def read(self) -> PoolDraft:
        """Raises VaultError bad_request."""
        key = self._pool.key if self._pool else check_credential_key(self.value("key").upper())
        members = [
            account
            for number, account in enumerate(self._accounts)
            if self.query_one(f"#member-{number}", Tick).value
        ]
        if not members:
            raise VaultError("bad_request", words.POOL_NO_MEMBERS)
        if len({account.provider for account in members}) > 1:
            raise VaultError("bad_request", words.POOL_ONE_PROVIDER)
        settings: dict[str, Any] = {
            name: self._share(name, label) for name, label in (*_SHARES, _KEPT)
        }
        settings["allow_extra_usage"] = self.query_one("#extra", Tick).value
        return PoolDraft(
            key=key,
            strategy=self.value("strategy"),
            settings=settings,
            members=tuple(account.id for account in members),
            priorities=tuple(self._priorities()),
        )

    def _share(self, name: str, label: str) -> float:
        try:
            share = float(self.value(name) or "0") / 100
        except ValueError:
            share = -1.0
        if not 0 <= share < 1:
            raise VaultError("bad_request", words.POOL_NUMBER.format(what=label))
        return round(share, 4)

    def _priorities(self) -> Iterable[tuple[str, int]]:
        for number, account in enumerate(self._accounts):
            try:
                priority = int(self.value(f"priority-{number}") or "0")
            except ValueError:
                raise VaultError("bad_request", words.POOL_PRIORITY) from None
            if priority != account.priority:
                yield account.id, priority


def _defaults() -> dict[str, Any]:
    known = PoolSettings()
    return {
        "warn_left": known.warn_left,
        "move_left": known.move_left,
        "reserve": known.reserve,
        "allow_extra_usage": known.allow_extra_usage,
    }
