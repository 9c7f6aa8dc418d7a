"""The health board: every login of the vault, when it ends, when it is refreshed, what failed;
and the external store that backs it.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from proxy_core.client import calls
from vault_tui.screens.base import Dialog
from vault_tui.screens.source_flows import poll_source
from vault_tui.state import ConsoleState, Level
from vault_tui.strings import accounts as account_words
from vault_tui.strings import common as strings
from vault_tui.strings import oauth as words
from vault_tui.widgets import account_card
from vault_tui.widgets.credential_words import expires, state
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.source_line import source_state
from vault_tui.widgets.words import ago, plain

_WIDTHS = {"state": 18, "name": 20, "kind": 10, "expires": 10, "next": 10, "last": 10, "count": 5}
_NARROW = {"state": 18, "name": 16, "expires": 10, "next": 10}
_ROOMY = 106


@dataclass(frozen=True, slots=True)
class Login:
    """A credential's or an account's, or the vault's store; `id` names it to the worker."""

    kind: str
    id: str
    name: str
    state: Content
    expires_at: str | None
    next_refresh_at: str | None
    last_refresh_at: str | None
    refresh_count: int | None
    last_error: str


def logins_of(found: ConsoleState, now: float) -> list[Login]:
    """The store, OAuth credentials, then accounts."""
    stores = [
        Login(
            "store", found.vault, one.type, source_state(one.state), None,
            one.next_poll_at, one.last_sync_at, None, one.last_error,
        )
        for one in ([found.source] if found.source is not None else [])
    ]  # fmt: skip
    credentials = [
        Login(
            "credential", c.key, c.key, state(c.state), c.expires_at, c.next_refresh_at,
            c.last_refresh_at, c.refresh_count, c.last_error,
        )
        for c in found.credentials or ()
        if c.type == "oauth"
    ]  # fmt: skip
    accounts = [
        Login(
            "account", a.id, a.nickname or a.email, account_card.state(a, now), a.expires_at,
            a.next_refresh_at, a.last_refresh_at, a.refresh_count, a.last_error,
        )
        for a in found.accounts or ()
    ]  # fmt: skip
    return [*stores, *credentials, *accounts]


class HealthBoard(Dialog[None]):
    """Counts down by itself, and hears of every refresh."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh_login", show=False),
        Binding("b,q", "close", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(classes="dialog full")

    def compose(self) -> ComposeResult:
        """The table, or that there is nothing to show."""
        with Vertical(classes="window") as window:
            window.border_title = Content(words.HEALTH_TITLE)
            window.border_subtitle = Content(words.HEALTH_KEYS)
            yield KeyedTable("health")
            yield Static(Content.styled(words.HEALTH_NONE, "$muted"), id="none", markup=False)
            yield Static("", id="error", markup=False)

    def on_mount(self) -> None:
        """Tick."""
        self.query_one(KeyedTable).focus()
        self.call_after_refresh(self._show)
        self.set_interval(1.0, self._show)

    def on_resize(self) -> None:
        """The error takes what the others leave."""
        self.call_after_refresh(self._show)

    def data_changed(self, kind: str) -> None:
        """Something was refreshed."""
        if kind in {"credentials", "accounts", "vaults"}:
            self._show()

    def _logins(self) -> dict[str, Login]:
        now = self.console.clock.time()
        found = logins_of(self.console.state, now)
        return {f"{login.kind}:{login.id}": login for login in found}

    def _show(self) -> None:
        table, now, logins = self.query_one(KeyedTable), self.console.clock.time(), self._logins()
        table.display, self.query_one("#none").display = bool(logins), not logins
        widths = dict(_WIDTHS if table.size.width >= _ROOMY else _NARROW)
        room = table.size.width - sum(widths.values()) - 2 * (len(widths) + 1) - 1
        widths["error"] = max(room, 8)
        titles = words.HEALTH_COLUMNS
        shape = [(name, titles[name], widths[name]) for name in titles if name in widths]
        rows = {key: _cells(login, now) for key, login in logins.items()}
        table.show(
            shape, {key: [cells[name] for name, _, _ in shape] for key, cells in rows.items()}
        )
        self._show_error()

    @on(KeyedTable.Chosen)
    @on(DataTable.RowHighlighted)
    def _show_error(self) -> None:
        """The whole error of the login under the cursor: a column has no room for it."""
        login = self._logins().get(self.query_one(KeyedTable).key or "")
        error = plain(login.last_error if login is not None else "", "$error")
        self.query_one("#error", Static).update(error)

    def action_refresh_login(self) -> None:
        """Refresh what the cursor is on."""
        console = self.console
        if console.state.read_only:
            console.notice(strings.WHY_READ_ONLY, Level.WARNING)
            return
        login = self._logins().get(self.query_one(KeyedTable).key or "")
        if login is not None:
            console.attempt(self._refresh_login(login), "refresh login")

    async def _refresh_login(self, login: Login) -> None:
        console, vault = self.console, self.console.state.vault
        if login.kind == "store":
            await poll_source(console)
            return
        if login.kind == "account":
            call = calls.refresh_account(login.id, vault)
            done = await console.send_as_operator(call) is not None
        else:
            done = await console.send_as_operator(calls.refresh_oauth(login.id, vault)) is not None
        if done:
            console.notice(account_words.REFRESHED.format(name=login.name), Level.GOOD)
            console.sync.reload("accounts" if login.kind == "account" else "credentials")


def _cells(login: Login, now: float) -> dict[str, Content]:
    return {
        "state": login.state,
        "name": plain(login.name, "bold", 60),
        "kind": Content.styled(words.HEALTH_KINDS[login.kind], "$muted"),
        "expires": expires(login.expires_at, now),
        "next": expires(login.next_refresh_at, now),
        "last": Content.styled(ago(login.last_refresh_at or "", now), "$muted"),
        "count": Content.styled(
            f"{strings.NEVER if login.refresh_count is None else login.refresh_count:>5}", "$muted"
        ),
        "error": plain(login.last_error or strings.NEVER, "$error" if login.last_error else ""),
    }
