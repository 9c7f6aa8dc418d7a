"""Events & audit: what happens, and the record of who did what, as far back as it is kept."""

from textual import work
from textual.content import Content

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from vault_tui import clipboard
from vault_tui.actions import Action
from vault_tui.screens.ask import AskText
from vault_tui.screens.audit_words import (
    describe_entry,
    describe_event,
    entry_cells,
    event_cells,
    matches,
)
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.state import Level, Link
from vault_tui.strings import audit as words
from vault_tui.strings import common as strings

_PAGE = 100
_FIELDS = ("actor", "action", "vault")
_ROOMY, _WIDE = 96, 140


class EventsScreen(ListScreen, screen_id="events"):
    """Two views of one list: live events, and the audit with what was before and after."""

    enter_action = "events.detail"

    def __init__(self) -> None:
        super().__init__()
        self._audit = False
        self._filter = ""
        self._entries: list[wire.AuditEntry] | None = None
        self._older: str | None = None
        self.empty = words.EMPTY_EVENTS

    @property
    def known(self) -> bool:
        """Events are known at once; the audit has to be asked for."""
        return True

    def note(self) -> Content:
        """Which of the two it is, and what is filtered."""
        if self.state.link is Link.LOST:
            return super().note()
        view = words.NOTE_AUDIT if self._audit else words.NOTE_EVENTS
        if self._filter:
            room = 40 if self.size.width >= _ROOMY else 12
            view = words.NOTE_FILTER.format(view=view, filter=display_safe(self._filter, room))
        return Content.styled(view, "$muted")

    def data_changed(self, kind: str) -> None:
        """Something has happened: it is in both views."""
        super().data_changed(kind)
        if kind != "events" or not self.is_current:
            return
        if self._audit:
            self._catch_up()
        else:
            self.show()

    def on_screen_resume(self) -> None:
        """Catch up with what happened meanwhile."""
        if self._audit:
            self._catch_up()

    # --- the list -----------------------------------------------------------------------------

    def shape(self, width: int) -> Shape:
        """What was changed takes what the others leave."""
        names = words.AUDIT_COLUMNS if self._audit else words.EVENT_COLUMNS
        fixed = {"at": 19, "who": 15} if self._audit else {"at": 8, "by": 15}
        fixed |= {"what": 20, "name": 18}
        if width >= _ROOMY:
            fixed["vault"] = 12
        if self._audit and width >= _WIDE:
            fixed["place"] = 24
        left = width - sum(fixed.values()) - 2 * (len(fixed) + 1) - 2
        sizes = {**fixed, "more": left} if left >= 8 else {**fixed, "name": 18 + max(left, -8) + 2}
        return [(name, names[name], sizes[name]) for name in names if name in sizes]

    def rows(self) -> dict[str, dict[str, Content]]:
        """The newest first."""
        if self._audit:
            return {str(entry.seq): entry_cells(entry) for entry in self._entries or ()}
        return {self._key(event): event_cells(event) for event in self._events()}

    def describe(self, key: str) -> Content:
        """All that is known of one."""
        if self._audit:
            entry = next((e for e in self._entries or () if str(e.seq) == key), None)
            return Content("") if entry is None else describe_entry(entry)
        event = next((e for e in self._events() if self._key(e) == key), None)
        return Content("") if event is None else describe_event(event)

    def _events(self) -> list[Event]:
        return [event for event in reversed(self.state.events) if matches(event, self._filter)]

    @staticmethod
    def _key(event: Event) -> str:
        return f"{event.seq}-{event.at}"

    def why_not(self, action: Action) -> str | None:
        """Older entries and verifying are the audit's alone."""
        if action.name == "older":
            if not self._audit:
                return words.WHY_AUDIT_ONLY
            return None if self._older else words.WHY_NO_MORE
        if action.name == "clear_filter" and not self._filter:
            return strings.WHY_NO_FILTER
        if action.name == "detail" and self.table.key is None:
            return strings.WHY_NO_ROW
        return None

    # --- the audit ----------------------------------------------------------------------------

    def _call(self, *, before: str = "", after: str = "") -> Call[wire.AuditPage]:
        said, rest = dict.fromkeys(_FIELDS, ""), []
        for word in self._filter.split():
            name, colon, value = word.partition(":")
            if colon and name in _FIELDS:
                said[name] = value
            else:
                rest.append(word)
        return calls.audit(
            said["vault"],
            actor=said["actor"],
            action=said["action"],
            q=" ".join(rest),
            before=before,
            after=after,
            limit=_PAGE,
        )

    async def _read(self) -> bool:
        """The newest page; False when the operator gave up."""
        page = await self.console.send_as_operator(self._call())
        if page is None:
            return False
        self._entries, self._older = page.entries, page.next_cursor
        self.empty = words.EMPTY_FOUND if self._filter else words.EMPTY_AUDIT
        return True

    @work(exclusive=True, group="audit")
    async def _catch_up(self) -> None:
        """Put newer entries on top, as long as one may read them: nobody is asked for a proof."""
        newest = self._entries[0].seq if self._entries else 0
        try:
            page = await self.console.send(self._call(after=str(newest)))
        except VaultError:
            return
        if self._audit and page.entries and self._entries is not None:
            self._entries = [*page.entries, *self._entries]
            self.show()

    def show(self) -> None:
        """As every list; what was empty and hidden takes the keys once it is there."""
        super().show()
        if self.is_mounted and self.focused is None and self.table.row_count:
            self.table.focus()

    def _redraw(self) -> None:
        self.empty = self.empty if self._audit else words.EMPTY_EVENTS
        if not self._audit and self._filter:
            self.empty = words.EMPTY_FOUND
        self.show()
        self.state_changed()

    # --- actions ------------------------------------------------------------------------------

    async def do_view(self) -> None:
        """The other of the two."""
        if not self._audit and not await self._read():
            return
        self._audit = not self._audit
        self._redraw()

    async def do_filter(self) -> None:
        """Only what holds these words."""
        question = AskText(words.FILTER_TITLE, words.FILTER_TEXT, self._filter)
        given = await self.app.push_screen_wait(question)
        if given is not None:
            await self._narrow(given.strip())

    async def do_clear_filter(self) -> None:
        """Everything again."""
        await self._narrow("")

    async def _narrow(self, wanted: str) -> None:
        self._filter = wanted
        if self._audit:
            await self._read()
        self._redraw()

    async def do_older(self) -> None:
        """One page further back."""
        page = await self.console.send_as_operator(self._call(before=self._older or ""))
        if page is None:
            return
        self._entries = [*(self._entries or ()), *page.entries]
        self._older = page.next_cursor
        self.console.notice(words.OLDER.format(count=len(page.entries)))
        self._redraw()

    async def do_verify(self) -> None:
        """Walk the whole chain, and show its head."""
        found = await self.console.send_as_operator(calls.verify_audit())
        if found is None:
            return
        level = Level.GOOD if found.ok else Level.ERROR
        self.console.notice(found.summary, level)
        title = words.VERIFY_TITLE if found.ok else words.BROKEN_TITLE
        text = words.VERIFY_TEXT.format(summary=found.summary, head=found.head)
        if not await self.app.push_screen_wait(Confirm(title, text, words.VERIFY_BUTTON)):
            return
        sent = await clipboard.copy(found.head, self.app.copy_to_clipboard)
        self.console.notice(strings.COPIED if sent else strings.NOT_COPIED)

    def do_detail(self) -> None:
        """Scroll in the detail."""
        self.query_one("#detail").focus()

    def action_leave(self) -> None:
        """Back to the list."""
        self.table.focus()
