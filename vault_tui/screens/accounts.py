"""Accounts: what is left of each one's quota, until when, and which of them serves."""

from collections.abc import Callable, Iterable

from textual import on
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList, Static

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from vault_tui.actions import Action
from vault_tui.screens.base import ConsoleScreen
from vault_tui.screens.listing import FRESH_SECONDS, empty_note
from vault_tui.state import Level, Link
from vault_tui.strings import accounts as words
from vault_tui.strings import common as strings
from vault_tui.widgets.account_card import card
from vault_tui.widgets.account_detail import describe_account
from vault_tui.widgets.card_list import CardList
from vault_tui.widgets.words import plain

AccountCall = Callable[[str, str], Call[wire.AccountInfo]]
"""Account and vault, to the call."""
# The detail's inner width, as the style sheet has it.
_WIDE, _BESIDE, _MARGINS = 140, 49, 5
_NEED_NONE = frozenset({"add", "pools", "log", "restore"})


class AccountsScreen(ConsoleScreen, screen_id="accounts"):
    """A card for each account, a detail beside, below or over them."""

    _finished = 0

    def body(self) -> Iterable[Widget]:
        """Pools, cards and detail, or the empty state."""
        yield Static(id="pools", markup=False)
        with Container(id="split", classes="detailed"):
            yield CardList("cards", self._draw)
            with VerticalScroll(id="detail", can_focus=True):
                yield Static(id="detail-text", markup=False)
        yield Static(id="empty", markup=False)

    @property
    def cards(self) -> CardList:
        """The accounts."""
        return self.query_one(CardList)

    @property
    def here(self) -> wire.AccountInfo | None:
        """The account under the cursor."""
        return self._find(self.cards.key)

    def _find(self, account_id: str | None) -> wire.AccountInfo | None:
        return next((a for a in self.state.accounts or () if a.id == account_id), None)

    # --- life ---------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Show what is known; countdowns run by themselves."""
        self.cards.focus()
        self.call_after_refresh(self.show)
        self.set_interval(1.0, self._tick)
        self.set_interval(FRESH_SECONDS, self._freshen)

    def _tick(self) -> None:
        if self.is_current and self.state.accounts:
            self.cards.redraw()
            self._show_detail(layout=False)

    def _freshen(self) -> None:
        """Requests under way begin and end without an event about their account."""
        finished = self.console.traffic.finished_count
        seen = self.is_current and self.state.link is Link.LIVE and not self.state.sealed
        if seen and finished != self._finished:
            self._finished = finished
            self.console.sync.reload("accounts")

    def on_resize(self) -> None:
        """Cards are as wide as there is room."""
        self.call_after_refresh(self.show)

    def data_changed(self, kind: str) -> None:
        """The list was read afresh."""
        if kind in {"accounts", "vault"}:
            self.show()

    def state_changed(self) -> None:
        """The frame, and what an empty list says."""
        super().state_changed()
        if self.is_mounted and not self.state.accounts:
            self._show_empty(True)

    def on_screen_resume(self) -> None:
        """Time has gone on, and requests have ended while nobody looked."""
        self.call_after_refresh(self.show)
        self._freshen()

    # --- drawing ------------------------------------------------------------------------------

    def show(self) -> None:
        """Bring the screen to the present list."""
        if not self.is_mounted or not self.size.width:
            return
        accounts = self.state.accounts or []
        self._show_empty(not accounts)
        self.query_one("#pools", Static).update(self._pools() if accounts else "")
        self.cards.show([account.id for account in accounts])
        self._show_detail()
        self.show_keys()

    def _draw(self, key: str, width: int, pointed: bool) -> Content:
        account = self._find(key)
        if account is None:
            return Content("")
        return card(account, width, self.console.clock.time(), pointed)

    def _pools(self) -> Content:
        if not self.state.pools:
            return Content.styled(f" {words.POOLS_NONE}", "$warning")
        return Content("\n").join(_pool_line(pool) for pool in self.state.pools)

    def _show_detail(self, layout: bool = True) -> None:
        """Without `layout` when only figures have changed."""
        found, text = self.here, Content("")
        if found is not None:
            beside = self.size.width >= _WIDE
            width = _BESIDE if beside else self.size.width - _MARGINS
            now = self.console.clock.time()
            text = describe_account(found, self.state.choices, now, width)
        self.query_one("#detail-text", Static).update(text, layout=layout)

    def _show_empty(self, empty: bool) -> None:
        self.query_one("#split").display = self.query_one("#pools").display = not empty
        note = self.query_one("#empty", Static)
        note.display = empty
        if empty:
            known = self.state.accounts is not None
            note.update(empty_note(self.state, known, words.EMPTY_ACCOUNTS))

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self.cards.redraw()
        self._show_detail()
        self.query_one("#detail").scroll_home(animate=False)
        self.show_keys()

    @on(OptionList.OptionSelected)
    def _entered(self) -> None:
        self.console.action_run("accounts.detail")

    def action_leave(self) -> None:
        """Escape: back to the cards."""
        self.query_one("#split").remove_class("opened")
        self.cards.focus()

    def why_not(self, action: Action) -> str | None:
        """Most actions need an account."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name in _NEED_NONE:
            return None
        found = self.here
        if found is None:
            return words.WHY_NO_ACCOUNT
        return words.WHY_DEFAULT if action.name == "use" and found.default else None

    # --- actions ------------------------------------------------------------------------------

    def do_detail(self) -> None:
        """Everything about the account; on a small terminal in place of the cards."""
        self.query_one("#split").add_class("opened")
        self.query_one("#detail").focus()

    async def do_use(self) -> None:
        """Make it the default."""
        await self._change(calls.use_account, words.USED)

    async def do_pause(self) -> None:
        """Pause it, or let it serve again."""
        paused = self.here is not None and self.here.paused
        if paused:
            await self._change(calls.resume_account, words.RESUMED)
        else:
            await self._change(calls.pause_account, words.PAUSED)

    async def do_refresh(self) -> None:
        """New tokens, then the quota: the one says nothing of the other."""
        found = self.here
        if found is None:
            return
        try:
            await self._send(calls.refresh_account(found.id, self.state.vault), words.REFRESHED)
        except VaultError as error:
            self.console.notice(f"{error} {error.kind.help}", Level.ERROR)
            await self.console.send_as_operator(calls.ask_quota(found.id, self.state.vault))
        else:
            await self.console.send(calls.ask_quota(found.id, self.state.vault))
        self.console.sync.reload("accounts")

    async def do_rename(self) -> None:
        """Another nickname."""
        from vault_tui.screens.ask import AskText

        found = self.here
        if found is None:
            return
        title = words.RENAME_TITLE.format(name=found.nickname)
        ask = AskText(title, words.RENAME_TEXT, found.nickname)
        nickname = await self.app.push_screen_wait(ask)
        if nickname and nickname != found.nickname:
            call = calls.change_account(found.id, self.state.vault, nickname=nickname)
            await self._send(call, words.RENAMED)

    async def do_add(self) -> None:
        """Sign in to another one, or paste its tokens."""
        from vault_tui.screens.account_flows import add_account

        await add_account(self.console)

    async def do_connect(self) -> None:
        """Sign in to this one anew."""
        from vault_tui.screens.account_flows import connect_account

        if self.here is not None:
            await connect_account(self.console, self.here)

    async def do_remove(self) -> None:
        """Remove it, after a confirmation."""
        from vault_tui.screens.account_removal import remove_account

        if self.here is not None:
            await remove_account(self.console, self.here)

    async def do_restore(self) -> None:
        """Bring one back that was removed."""
        from vault_tui.screens.account_removal import choose_removed

        chosen = await choose_removed(self.console)
        if chosen:
            await self._send(calls.restore_account(chosen, self.state.vault), words.RESTORED)

    async def do_pools(self) -> None:
        """Look at the pools, change one or make one."""
        from vault_tui.screens.pool_flows import edit_pools

        await edit_pools(self.console)

    def do_log(self) -> None:
        """Which account was chosen when, and why."""
        from vault_tui.screens.switch_log import SwitchLog

        self.app.push_screen(SwitchLog(self.state.choices))

    async def _change(self, call: AccountCall, said: str) -> None:
        if self.here is not None:
            await self._send(call(self.here.id, self.state.vault), said)

    async def _send(self, call: Call[wire.AccountInfo], said: str) -> None:
        found = await self.console.send_as_operator(call)
        if found is not None:
            name = found.nickname or found.email
            self.console.notice(said.format(name=name), Level.GOOD)
            self.console.sync.reload("accounts")


def _pool_line(pool: wire.PoolInfo) -> Content:
    """`ANTHROPIC  default-first, now work  of work, spare`."""
    return Content.assemble(
        plain(f" {pool.key}  ", "$primary bold", 60),
        plain(words.POOL_LINE.format(strategy=pool.strategy), "$muted", 40),
        plain(pool.current or strings.NEVER, "bold", 50),
        plain(words.POOL_OF.format(accounts=", ".join(pool.accounts)), "$muted"),
    )
