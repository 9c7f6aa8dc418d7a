"""Credentials: what there is, who uses it, how its tokens are; values only on purpose."""

from collections.abc import Iterable

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.actions import Action
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.state import Level, Link
from vault_tui.strings import commands as command_words
from vault_tui.strings import common as strings
from vault_tui.strings import oauth as words
from vault_tui.strings import sources as source_words
from vault_tui.widgets.credential_words import cells, describe_credential
from vault_tui.widgets.source_line import source_line
from vault_tui.widgets.words import when

_ROOMY = 96
_NEED_NONE = frozenset({"add", "connect", "health", "store"})
_WRITES = frozenset({"add", "set", "connect", "delete"})
_REREAD_SECONDS = 10.0
"""A store that holds nothing new is read without an event."""
_OF_VALUES = frozenset({"set", "reveal", "history"})


class CredentialsScreen(ListScreen, screen_id="credentials"):
    """The list, a detail, and the dialogs behind the keys."""

    empty = strings.EMPTY_CREDENTIALS
    enter_action = "credentials.uses"

    def body(self) -> Iterable[Widget]:
        """Above the list, where the credentials come from if that is elsewhere."""
        yield Static(id="source", markup=False)
        yield from super().body()

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.credentials is not None

    def _find(self, key: str | None) -> wire.CredentialInfo | None:
        return next((c for c in self.state.credentials or () if c.key == key), None)

    def _here(self) -> wire.CredentialInfo:
        found = self._find(self.table.key)
        return found if found is not None else wire.CredentialInfo(key="", type="")

    def on_mount(self) -> None:
        """Countdowns run by themselves."""
        self.set_interval(1.0, self._tick)
        self.set_interval(_REREAD_SECONDS, self._reread)

    def data_changed(self, kind: str) -> None:
        """The vaults tell of their stores."""
        super().data_changed(kind)
        if kind == "vaults":
            self.show()

    def show(self) -> None:
        """The list, and the line of the store."""
        if self.is_mounted:
            self._show_source()
        super().show()

    def _show_source(self) -> None:
        line, found = self.query_one("#source", Static), self.state.source
        line.display = found is not None and not self.state.sealed
        if found is not None:
            line.update(source_line(found, self.console.clock.time()))

    def _reread(self) -> None:
        if self.is_current and self.state.source is not None and self.state.link is Link.LIVE:
            self.console.sync.reload("vaults")

    def _tick(self) -> None:
        if self.is_current:
            self._show_source()
        if self.is_current and any(c.expires_at for c in self.state.credentials or ()):
            self.show()

    def shape(self, width: int) -> Shape:
        """Key and use take what the others leave."""
        fixed = {"type": 7, "expires": 10, "state": 15}
        if width >= _ROOMY:
            fixed |= {"last_used": 11, "versions": 3}
        order = [name for name in strings.CREDENTIAL_COLUMNS if name in {"key", "used_by", *fixed}]
        left = width - sum(fixed.values()) - 2 * len(order) - 2
        key = min(max(left // 2, 18), 40)
        sizes = {**fixed, "key": key, "used_by": max(left - key, 10)}
        return [(name, strings.CREDENTIAL_COLUMNS[name], sizes[name]) for name in order]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a credential."""
        now = self.console.clock.time()
        return {c.key: cells(c, now) for c in self.state.credentials or ()}

    def describe(self, key: str) -> Content:
        """All but the value."""
        found = self._find(key)
        if found is None:
            return Content("")
        return describe_credential(found, self.console.clock.time(), self.detail_width)

    def why_not(self, action: Action) -> str | None:
        """Most actions need a credential, and one of the right type."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name in _WRITES and self.state.store:
            return source_words.WHY_BACKED
        if action.name in _NEED_NONE:
            return None
        if self.table.key is None:
            return strings.WHY_NO_CREDENTIAL
        found = self._here()
        if action.name == "refresh":
            return None if found.type == "oauth" else words.WHY_NO_OAUTH
        if action.name == "approve":
            return None if found.type == "command" else command_words.WHY_NO_COMMAND
        if action.name in _OF_VALUES and found.type != "static":
            if found.type == "command":
                return command_words.WHY_NO_VALUE
            return words.WHY_ACCOUNTS if found.type == "pool" else words.WHY_NO_VALUE
        if action.name == "reveal":
            if self.state.read_only:
                return strings.WHY_READ_ONLY
            if found.state != "ok":
                return strings.WHY_UNREADABLE
        return None

    # --- actions ------------------------------------------------------------------------------

    async def do_add(self) -> None:
        """A new credential."""
        from vault_tui.screens.secret import SecretDialog

        taken = {c.key for c in self.state.credentials or ()}
        await self._store(await self.app.push_screen_wait(SecretDialog("", taken)))

    async def do_set(self) -> None:
        """A new value; the old one is kept as a version."""
        from vault_tui.screens.secret import SecretDialog

        await self._store(await self.app.push_screen_wait(SecretDialog(self._here().key, set())))

    async def _store(self, given: tuple[str, str] | None) -> None:
        if given is None:
            return
        key, value = given
        call = calls.set_credentials({key: value}, self.state.vault)
        if await self.console.send_as_operator(call) is not None:
            self.console.notice(strings.STORED.format(key=key), Level.GOOD)
            self.console.sync.reload("credentials")

    async def do_reveal(self) -> None:
        """Show the value, after a fresh proof, for a short time."""
        from vault_tui.screens.reveal import RevealDialog

        key = self._here().key
        title, text = strings.REVEAL_TITLE, strings.REVEAL_TEXT.format(key=key)
        if not await self.console.prove(title, text):
            return
        answer = await self.console.send(calls.credentials(self.state.vault, reveal=True, key=key))
        for found in answer.credentials or ():
            if found.key == key and found.value is not None:
                await self.app.push_screen_wait(RevealDialog(key, found.value))
                return
        self.console.notice(strings.NOT_REVEALED.format(key=key), Level.ERROR)

    async def do_history(self) -> None:
        """The versions; one can become the newest again."""
        from vault_tui.screens.ask import Choose

        key = self._here().key
        history = await self.console.send(calls.credential_versions(key, self.state.vault))
        entries = [(str(version.version), _version_line(version)) for version in history.versions]
        title = strings.HISTORY_TITLE.format(key=key)
        chosen = await self.app.push_screen_wait(Choose(title, entries, strings.HISTORY_NONE))
        if chosen is None or self.state.read_only:
            return
        if self.state.store:
            self.console.notice(source_words.WHY_BACKED, Level.WARNING)
            return
        version = next(v for v in history.versions if str(v.version) == chosen)
        if version.current:
            self.console.notice(strings.ALREADY_CURRENT.format(version=chosen))
            return
        text = strings.RESTORE_TEXT.format(key=key, version=chosen, when=when(version.created_at))
        if not await self.app.push_screen_wait(
            Confirm(strings.RESTORE_TITLE.format(key=key), text, strings.RESTORE_BUTTON)
        ):
            return
        call = calls.restore_credential(key, version.version, self.state.vault)
        if await self.console.send_as_operator(call) is not None:
            self.console.notice(strings.RESTORED.format(key=key, version=chosen), Level.GOOD)
            self.console.sync.reload("credentials")

    async def do_refresh(self) -> None:
        """New tokens, now."""
        key = self._here().key
        call = calls.refresh_oauth(key, self.state.vault)
        if await self.console.send_as_operator(call) is not None:
            self.console.notice(words.REFRESHED.format(key=key), Level.GOOD)
            self.console.sync.reload("credentials")

    async def do_approve(self) -> None:
        """Show what would run, as what it would run; then let it."""
        from vault_tui.screens.command_flows import approve

        await approve(self.console, self._here().key)

    async def do_store(self) -> None:
        """Connect the vault to a store, read that now, or disconnect it."""
        from vault_tui.screens.source_flows import source_menu

        await source_menu(self.console)

    async def do_connect(self) -> None:
        """Sign in anew, or connect another credential."""
        from vault_tui.screens.oauth_flows import connect, reconnect

        found = self._here()
        if found.type == "oauth":
            await reconnect(self.console, found.key)
        else:
            await connect(self.console)

    def do_health(self) -> None:
        """How refreshing goes, for every login of the vault."""
        from vault_tui.screens.health import HealthBoard

        self.app.push_screen(HealthBoard())

    async def do_delete(self) -> None:
        """Delete, after saying which services break."""
        key, vault = self._here().key, self.state.vault
        usage = (await self.console.send(calls.credential_usage(key, vault))).services
        broken = "\n".join(f"  • {service.name}  {service.host}" for service in usage)
        text = (
            strings.DELETE_BREAKS.format(services=broken) if usage else strings.DELETE_BREAKS_NONE
        )
        title = strings.DELETE_TITLE.format(name=key)
        button = strings.DELETE_BUTTON.format(name=key)
        if not await self.app.push_screen_wait(Confirm(title, text, button)):
            return
        if await self.console.send_as_operator(calls.delete_credentials([key], vault)) is not None:
            self.console.notice(strings.DELETED.format(name=key), Level.WARNING)
            self.console.sync.reload("credentials")

    def do_uses(self) -> None:
        """Go to the first service that uses the credential."""
        used = self._here().used_by
        if not used:
            self.console.notice(strings.USED_BY_NONE)
            return
        self.console.show_service(used[0])


def _version_line(version: wire.CredentialVersion) -> Content:
    mark = strings.CURRENT if version.current else ""
    return Content.assemble(
        (f" {version.version:>4}  ", "bold"),
        (f"{when(version.created_at)}  ", "$muted"),
        (mark, "$success"),
    )
