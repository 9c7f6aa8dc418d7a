"""Settings: the key slots, the worker and its CA, limits and retention."""

from textual.content import Content

from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from vault_tui import clipboard
from vault_tui.actions import BY_ID, Action
from vault_tui.screens.ask import AskText
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.screens.setting_flows import change_setting
from vault_tui.screens.slot_flows import add_slot, change_password, remove_slot, rotate_key
from vault_tui.state import Link
from vault_tui.strings import common as strings
from vault_tui.strings import settings as words
from vault_tui.widgets.setting_words import (
    Row,
    cells,
    describe_row,
    describe_slot,
    rows_of,
)

_FIXED = {"part": 9, "name": 25}
_ROOMY = 96


class SettingsScreen(ListScreen, screen_id="settings"):
    """One list of what is so and what can be changed; the detail says what it means."""

    empty = words.EMPTY
    enter_action = "settings.edit"
    _filter = ""
    _unread = True

    @property
    def known(self) -> bool:
        """Whether the lists were read; the worker's state is known sooner."""
        return self.state.settings is not None

    def on_mount(self) -> None:
        """Read what only this screen shows."""
        self.console.sync.reload("settings")

    def data_changed(self, kind: str) -> None:
        """The first look is at the key slots, which are read after the worker's state."""
        first = kind == "settings" and self._unread
        super().data_changed(kind)
        if first and self.state.settings is not None:
            self._unread = False
            self.table.move_cursor(row=0)

    def _freshen(self) -> None:
        """The status is asked for regularly, whether requests flow or not."""
        if self.is_current and self.state.link is Link.LIVE:
            self.show()

    def note(self) -> Content:
        """What is filtered."""
        if self.state.link is Link.LOST or not self._filter:
            return super().note()
        said = words.NOTE_FILTER.format(filter=display_safe(self._filter, 40))
        return Content.styled(said, "$muted")

    # --- the list -----------------------------------------------------------------------------

    def _rows(self) -> dict[str, Row]:
        wanted = self._filter.lower().split()
        found = rows_of(self.state, self.console.clock.time())
        return {
            key: row
            for key, row in found.items()
            if all(word in _found_in(row).lower() for word in wanted)
        }

    def shape(self, width: int) -> Shape:
        """The value takes what the others leave."""
        sizes = {**_FIXED, "more": 26 if width >= _ROOMY else 19}
        sizes["value"] = max(width - sum(sizes.values()) - 2 * (len(sizes) + 1) - 2, 12)
        return [(name, title, sizes[name]) for name, title in words.COLUMNS.items()]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a slot, fact or setting."""
        return cells(self._rows())

    def describe(self, key: str) -> Content:
        """What it means, and what can be done about it."""
        slot, row = self._slot(key), self._rows().get(key)
        if slot is not None:
            return describe_slot(slot, self.state.slots or ())
        return Content("") if row is None else describe_row(key, row, self.state.settings or ())

    def _slot(self, key: str | None = None) -> wire.SlotInfo | None:
        name = (key or self.table.key or "").removeprefix("slot:")
        return next((slot for slot in self.state.slots or () if slot.id == name), None)

    def _setting(self) -> wire.Setting | None:
        name = (self.table.key or "").removeprefix("setting:")
        return next((one for one in self.state.settings or () if one.name == name), None)

    def why_not(self, action: Action) -> str | None:
        """Slots, settings and what is only shown take different actions."""
        slot = self._slot()
        if action.name == "edit":
            return self._why_not_edit(slot)
        if action.name == "remove":
            if slot is None:
                return words.WHY_NO_SLOT
            return words.WHY_ONLY_SLOT if len(self.state.slots or ()) < 2 else None
        if action.name == "rotate":
            if not self.console.local:
                return words.WHY_ON_MACHINE
            return None if self.state.slots else words.WHY_NO_SLOTS
        if action.name == "clear_filter":
            return None if self._filter else strings.WHY_NO_FILTER
        if action.name == "findings":
            return self.console.why_not_global(BY_ID["app.doctor"])
        if action.name == "copy" and self.table.key is None:
            return strings.WHY_NO_ROW
        return None

    def _why_not_edit(self, slot: wire.SlotInfo | None) -> str | None:
        if self.table.key is None:
            return strings.WHY_NO_ROW
        if slot is None:
            return None if self._setting() is not None else words.WHY_SHOWN_ONLY
        if slot.kind == "password":
            return None
        kind = words.SLOT_KINDS.get(slot.kind, slot.kind)
        return words.WHY_NO_PASSWORD.format(kind=kind)

    # --- actions ------------------------------------------------------------------------------

    async def do_edit(self) -> None:
        """Another value, or another password."""
        if (slot := self._slot()) is not None:
            await change_password(self.console, slot)
        elif (one := self._setting()) is not None:
            await change_setting(self.console, one)

    async def do_add(self) -> None:
        """One more way to open the vault."""
        await add_slot(self.console)

    async def do_remove(self) -> None:
        """Take a way away."""
        if (slot := self._slot()) is not None:
            await remove_slot(self.console, slot, self.state.slots or ())

    async def do_rotate(self) -> None:
        """A new key."""
        await rotate_key(self.console, self.state.slots or ())

    async def do_filter(self) -> None:
        """Only what holds these words."""
        ask = AskText(words.FILTER_TITLE, words.FILTER_TEXT, self._filter)
        given = await self.app.push_screen_wait(ask)
        if given is not None:
            self._narrow(given.strip())

    def do_clear_filter(self) -> None:
        """Everything again."""
        self._narrow("")

    def _narrow(self, wanted: str) -> None:
        self._filter = wanted
        self.show()
        self.state_changed()
        if self.focused is None and self.table.row_count:
            self.table.focus()

    def do_findings(self) -> None:
        """The doctor's board."""
        self.console.do_doctor()

    async def do_copy(self) -> None:
        """The value under the cursor: none of them is secret."""
        row = self._rows().get(self.table.key or "")
        if row is not None:
            sent = await clipboard.copy(row.text, self.app.copy_to_clipboard)
            self.console.notice(strings.COPIED if sent else strings.NOT_COPIED)


def _found_in(row: Row) -> str:
    return f"{words.PARTS[row.part]} {row.name} {row.value.plain} {row.about}"
