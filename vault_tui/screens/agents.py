"""Agents and scoped sessions: what they may use, how long, and whether they are there now."""

from textual.content import Content

from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.actions import Action
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.strings import agents as words
from vault_tui.strings import common as strings
from vault_tui.widgets.agent_words import Holder, cells, describe_holder

_ROOMY, _WIDE = 96, 130
_FOR_SESSIONS = frozenset({"pin", "revoke", "detail"})


class AgentsScreen(ListScreen, screen_id="agents"):
    """Agents first, then the sessions of the vault that is looked at."""

    empty = words.EMPTY
    enter_action = "agents.detail"

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.agents is not None

    def _holders(self) -> dict[str, Holder]:
        """By the key of the row: ids of agents and of sessions may meet."""
        found: dict[str, Holder] = {f"a:{one.id}": one for one in self.state.agents or ()}
        found.update((f"s:{one.id}", one) for one in self.state.sessions)
        return found

    def _here(self) -> Holder | None:
        key = self.table.key
        return None if key is None else self._holders().get(key)

    def _agent(self) -> wire.AgentInfo | None:
        found = self._here()
        return found if isinstance(found, wire.AgentInfo) else None

    def on_mount(self) -> None:
        """Countdowns run by themselves."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.is_current and (self.state.agents or self.state.sessions):
            self.show()

    def shape(self, width: int) -> Shape:
        """Names and grants take what the others leave."""
        fixed = {"expires": 10, "seen": 11, "open": 4, "today": 6}
        if width >= _ROOMY:
            fixed["account"] = 12
        if width >= _WIDE:
            fixed["created"] = 11
        order = [name for name in words.COLUMNS if name in {"name", "grants", *fixed}]
        left = width - sum(fixed.values()) - 2 * len(order) - 2
        name = min(max(left // 2, 14), 30)
        sizes = {**fixed, "name": name, "grants": max(left - name, 10)}
        return [(column, words.COLUMNS[column], sizes[column]) for column in order]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row an agent or session."""
        now, accounts = self.console.clock.time(), self.state.accounts or ()
        return {key: cells(one, accounts, now) for key, one in self._holders().items()}

    def describe(self, key: str) -> Content:
        """All but the token, which nobody has but its holder."""
        found = self._holders().get(key)
        if found is None:
            return Content("")
        return describe_holder(found, self.state.accounts or (), self.console.clock.time())

    def why_not(self, action: Action) -> str | None:
        """Most actions need an agent; a session can be pinned and revoked."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name == "add":
            return None
        found = self._here()
        if found is None:
            return words.WHY_NO_AGENT
        if isinstance(found, wire.SessionInfo):
            return None if action.name in _FOR_SESSIONS else words.WHY_SESSION
        return words.WHY_NO_GRANT if action.name == "take" and not found.vaults else None

    def action_leave(self) -> None:
        """Escape: back to the list."""
        self.table.focus()

    # --- actions ------------------------------------------------------------------------------

    def do_detail(self) -> None:
        """Scroll in the detail."""
        self.query_one("#detail").focus()

    async def do_add(self) -> None:
        """A new agent."""
        from vault_tui.screens.agent_flows import create_agent

        await create_agent(self.console)

    async def do_rotate(self) -> None:
        """A new token in place of the present one."""
        from vault_tui.screens.agent_flows import rotate_agent

        if (found := self._agent()) is not None:
            await rotate_agent(self.console, found)

    async def do_rename(self) -> None:
        """Another name."""
        from vault_tui.screens.agent_flows import told
        from vault_tui.screens.ask import AskText

        if (found := self._agent()) is None:
            return
        title = words.RENAME_TITLE.format(name=found.name)
        ask = AskText(title, words.RENAME_TEXT, found.name, _wrong_name)
        name = await self.app.push_screen_wait(ask)
        if not name or name == found.name:
            return
        made = await self.console.send_as_operator(calls.rename_agent(found.name, name))
        if made is not None:
            told(self.console, words.RENAMED.format(name=made.name))

    async def do_grant(self) -> None:
        """What it may use in a vault."""
        from vault_tui.screens.agent_flows import grant_vault

        if (found := self._agent()) is not None:
            await grant_vault(self.console, found)

    async def do_take(self) -> None:
        """Take a vault from it."""
        from vault_tui.screens.agent_flows import take_vault

        found = self._agent()
        if found is not None and found.vaults:
            await take_vault(self.console, found)

    async def do_role(self) -> None:
        """What it may do on the worker."""
        from vault_tui.screens.agent_flows import choose_role

        if (found := self._agent()) is not None:
            await choose_role(self.console, found)

    async def do_pin(self) -> None:
        """Let it use one account alone."""
        from vault_tui.screens.agent_flows import pin

        if (found := self._here()) is not None:
            await pin(self.console, found)

    async def do_revoke(self) -> None:
        """End it, and cut its connections."""
        from vault_tui.screens.agent_flows import revoke

        if (found := self._here()) is not None:
            await revoke(self.console, found)


def _wrong_name(text: str) -> str | None:
    from proxy_core.base.errors import VaultError
    from proxy_core.domain.names import check_agent_name

    try:
        check_agent_name(text)
    except VaultError as error:
        return str(error)
    return None
