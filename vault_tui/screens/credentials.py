"""Credentials: what there is, who uses it; values only on purpose, and not for long."""

from textual.content import Content

from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui import strings
from vault_tui.actions import Action
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.state import Level
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.words import ago, plain, when


class CredentialsScreen(ListScreen, screen_id="credentials"):
    """The list, a detail, and the dialogs behind the keys."""

    empty = strings.EMPTY_CREDENTIALS
    enter_action = "credentials.uses"

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.credentials is not None

    def _find(self, key: str | None) -> wire.CredentialInfo | None:
        return next((c for c in self.state.credentials or () if c.key == key), None)

    def _here(self) -> wire.CredentialInfo:
        found = self._find(self.table.key)
        return found if found is not None else wire.CredentialInfo(key="", type="")

    def shape(self, width: int) -> Shape:
        """Key and use take what the others leave."""
        fixed = [("type", 7), ("last_used", 11), ("versions", 3), ("state", 12)]
        left = width - sum(size for _, size in fixed) - 2 * 6 - 2
        key = min(max(left // 2, 18), 40)
        sizes = {**dict(fixed), "key": key, "used_by": max(left - key, 10)}
        order = ("key", "type", "used_by", "last_used", "versions", "state")
        return [(name, strings.CREDENTIAL_COLUMNS[name], sizes[name]) for name in order]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a credential."""
        now = self.console.clock.time()
        return {c.key: _cells(c, now) for c in self.state.credentials or ()}

    def describe(self, key: str) -> Content:
        """All but the value."""
        found = self._find(key)
        if found is None:
            return Content("")
        used = [plain(f"  {name}") for name in found.used_by]
        unused = [Content.styled(f"  {strings.USED_BY_NONE}", "$muted")]
        lines = [
            plain(found.key, "bold"),
            _state(found),
            Content(""),
            field(strings.TYPE, found.type),
            field(strings.VERSION, str(found.version)),
            field(strings.CREATED, when(found.created_at)),
            field(strings.CHANGED, when(found.updated_at)),
            field(strings.LAST_USED, when(found.last_used_at)),
            Content(""),
            heading(strings.USED_BY),
            *(used or unused),
            Content(""),
            Content.styled(strings.VALUE_HIDDEN, "$muted"),
        ]
        return Content("\n").join(lines)

    def why_not(self, action: Action) -> str | None:
        """All but `add` need a credential."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name != "add" and self.table.key is None:
            return strings.WHY_NO_CREDENTIAL
        if action.name == "reveal":
            if self.state.read_only:
                return strings.WHY_READ_ONLY
            if self._here().state != "ok":
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
        from vault_tui.screens.unlock import ProofDialog

        key = self._here().key
        title, text = strings.REVEAL_TITLE, strings.REVEAL_TEXT.format(key=key)
        if not await self.app.push_screen_wait(ProofDialog(title, text)):
            return
        await self.console.ask_status()
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


def _cells(found: wire.CredentialInfo, now: float) -> dict[str, Content]:
    used = ", ".join(found.used_by)
    return {
        "key": plain(found.key, "bold"),
        "type": plain(found.type, "$muted"),
        "used_by": plain(used) if used else Content.styled(strings.USED_BY_NONE, "$faint"),
        "last_used": Content.styled(ago(found.last_used_at, now), "$muted"),
        "versions": Content.styled(f"{found.version:>3}", "$muted"),
        "state": _state(found),
    }


def _state(found: wire.CredentialInfo) -> Content:
    if found.state == "ok":
        return Content.assemble(("● ", "$success"), strings.STATE_OK)
    return Content.assemble(("✗ ", "$error bold"), plain(found.state, "$error", 20))


def _version_line(version: wire.CredentialVersion) -> Content:
    mark = strings.CURRENT if version.current else ""
    return Content.assemble(
        (f" {version.version:>4}  ", "bold"),
        (f"{when(version.created_at)}  ", "$muted"),
        (mark, "$success"),
    )
