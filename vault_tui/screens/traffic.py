"""Traffic: what the agents ask for, as it happens."""

from collections.abc import Iterable

from textual import on
from textual.containers import Container
from textual.widget import Widget

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain.filters import Filter
from vault_tui import clipboard
from vault_tui.actions import Action
from vault_tui.screens.base import ConsoleScreen
from vault_tui.state import Level, Link
from vault_tui.strings import common as strings
from vault_tui.strings import traffic as strings_traffic
from vault_tui.traffic.copies import curl
from vault_tui.traffic.reading import url
from vault_tui.traffic.ring import Row
from vault_tui.widgets.figures import Figures
from vault_tui.widgets.filter_bar import FilterBar
from vault_tui.widgets.record_detail import RecordDetail
from vault_tui.widgets.traffic_view import TrafficView

OLDER_ROWS = 200
# More rows than fit on the screen cannot be read: drawing them half as often loses nothing.
_FLOOD_SECONDS = 0.2
_WHY_NOT_DENIED = {
    "denied": strings_traffic.WHY_DENIED,
    "held": strings_traffic.WHY_HELD,
    "captured": strings_traffic.WHY_OWN,
    "answered": strings_traffic.WHY_OWN,
}
"""By decision: no rule of a service would change what became of the request."""


class TrafficScreen(ConsoleScreen, screen_id="traffic"):
    """The ring, its filter and the detail of one row."""

    _filter_text = ""
    _paused = False
    _detail_open = False
    _followed: Row | None = None
    """The newest row, when its detail was opened while the table followed."""
    _paging = False
    _log_start = False

    def body(self) -> Iterable[Widget]:
        """Figures, filter line, table and detail."""
        app = self.console
        yield Figures(app.state, app.traffic)
        yield FilterBar(app.preferences.filter_history)
        with Container(id="split"):
            yield TrafficView(app.traffic.ring, id="traffic")
            yield RecordDetail()

    @property
    def view(self) -> TrafficView:
        """The table."""
        return self.query_one(TrafficView)

    def on_mount(self) -> None:
        """Start following."""
        self.query_one(FilterBar).display = False
        self.query_one(RecordDetail).display = False
        self.view.focus()
        self._empty()
        self._seen = 0
        self.set_timer(self.state.flush_seconds, self._flush)

    # --- drawing ------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Draw what came since the last time; then again, sooner or later by how much it was."""
        ring = self.console.traffic.ring
        fresh, self._seen = ring.changed - self._seen, ring.changed
        if self.is_current or self.app.screen_stack[0] is self:
            self.view.sync()
            if self._detail_open:
                self.query_one(RecordDetail).show(self.view.row)
            self._figures()
        flooded = fresh > self.size.height
        seconds = max(self.state.flush_seconds, _FLOOD_SECONDS if flooded else 0)
        self.set_timer(seconds, self._flush)

    def _figures(self) -> None:
        self.query_one(Figures).tick(self.console.clock.time(), self._filter_text, self._mode())

    def _mode(self) -> str:
        ring = self.console.traffic.ring
        new = strings_traffic.NEW_ROWS.format(count=ring.waiting) if ring.waiting else ""
        if self._paused:
            return f"{strings_traffic.PAUSED}  {new}".rstrip()
        return (new or strings_traffic.SCROLLED) if ring.holding else strings_traffic.FOLLOWING

    def _empty(self) -> None:
        """What an empty table says: the next step."""
        view = self.view
        if self._filter_text and len(self.console.traffic.ring):
            lines = strings_traffic.EMPTY_FILTERED
        elif self.state.link is Link.CONNECTING:
            lines = strings_traffic.EMPTY_CONNECTING
        else:
            lines = strings_traffic.EMPTY_TRAFFIC
        if view.empty_lines != lines:
            view.empty_lines = lines
            view.refresh()

    def state_changed(self) -> None:
        """The frame, and what an empty table says."""
        super().state_changed()
        if self.is_mounted:
            self._empty()

    def data_changed(self, kind: str) -> None:
        """Another vault has other traffic."""
        if kind == "vault":
            self._log_start = False
            self.view.follow()

    def why_not(self, action: Action) -> str | None:
        """Most actions need a row."""
        needs_row = {"detail", "mark", "copy", "export", "service", "deny", "why"}
        if action.name in needs_row and self.view.row is None:
            return strings.WHY_NO_ROW
        if action.name == "clear_filter" and not self._filter_text:
            return strings.WHY_NO_FILTER
        if action.name in {"service", "deny", "why"} and self.state.link is not Link.LIVE:
            return strings.NOT_CONNECTED
        if action.name == "deny":
            return _WHY_NOT_DENIED.get(self._row().record.decision)
        return None

    # --- following ----------------------------------------------------------------------------

    def do_follow(self) -> None:
        """To the newest row."""
        self._paused = False
        self.view.follow()

    def do_pause(self) -> None:
        """Stop the table, or let it run again."""
        if self._paused:
            self.do_follow()
            return
        self._paused = True
        self.view.hold()
        self._figures()

    @on(TrafficView.Held)
    def _held(self, event: TrafficView.Held) -> None:
        if event.following:
            self._paused = False
        self._figures()
        self.show_keys()

    @on(TrafficView.Moved)
    def _moved(self) -> None:
        if self._detail_open:
            self.query_one(RecordDetail).show(self.view.row)
        self.show_keys()  # what can be done depends on the row

    @on(TrafficView.OlderWanted)
    def _older_wanted(self) -> None:
        ring = self.console.traffic.ring
        live = self.state.link is Link.LIVE and not self.state.sealed
        if live and not self._paging and not self._log_start and ring.room_for_older > 0:
            self._paging = True
            self.console.attempt(self._page_older(), "older")

    async def _page_older(self) -> None:
        """Put the next older page of the log on top."""
        ring, vault = self.console.traffic.ring, self.state.vault
        try:
            oldest = ring.oldest_logged
            before = str(oldest) if oldest else ""
            page = await self.console.send(calls.logs(vault, before=before, limit=OLDER_ROWS))
            if vault != self.state.vault or not ring.holding:
                return
            self._log_start = page.next_cursor is None
            self.view.prepended(ring.prepend(page.logs[: ring.room_for_older]))
        finally:
            self._paging = False

    # --- detail -------------------------------------------------------------------------------

    def do_detail(self) -> None:
        """Open or close the detail pane."""
        self._show_detail(not self._detail_open)

    def _show_detail(self, opened: bool) -> None:
        view, detail = self.view, self.query_one(RecordDetail)
        was_open, self._detail_open = self._detail_open, opened
        self.query_one("#split").set_class(opened, "detailed")
        detail.display = opened
        view.paged = detail.page if opened else None
        if opened:
            if not was_open:
                self._followed = None if view.ring.holding else view.row
            view.hold()
            detail.show(view.row)
            return
        if detail.has_focus:
            view.focus()
        # Whoever has looked at the newest row alone wants what is newest now.
        if was_open and self._followed is not None and self._followed is view.row:
            self.do_follow()

    @on(RecordDetail.Step)
    def _stepped(self, event: RecordDetail.Step) -> None:
        self.view.move_to(self.view.cursor + event.by)

    @on(TrafficView.Opened)
    def _opened(self) -> None:
        self._show_detail(True)

    def action_leave(self) -> None:
        """Escape closes the detail."""
        self._show_detail(False)

    # --- filter -------------------------------------------------------------------------------

    def do_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open(self._filter_text, self.console.preferences.filter_history)

    def do_clear_filter(self) -> None:
        """Show everything."""
        self.set_filter("", None)

    @on(FilterBar.Applied)
    def _applied(self, event: FilterBar.Applied) -> None:
        self.set_filter(event.text, event.filter)

    @on(FilterBar.Closed)
    def _filter_left(self, event: FilterBar.Closed) -> None:
        self.view.focus()
        if event.kept and self.console.preferences.remember_filter(self._filter_text):
            self.console.save_preferences()

    def set_filter(self, text: str, found: Filter | None) -> None:
        """Show the rows that pass."""
        self._filter_text = text.strip()
        self.console.traffic.ring.filter(found.matches if found is not None else None)
        self._empty()
        self.view.move_to(self.view.cursor) if self.view.ring.holding else self.view.follow()
        self.view.sync(force=True)
        self._figures()
        self.show_keys()

    async def do_saved(self) -> None:
        """Choose a saved filter, or save this one."""
        from vault_tui.screens.saved_filters import choose_filter

        chosen = await choose_filter(self.console, self._filter_text)
        if chosen is not None:
            self.set_filter(*chosen)

    # --- rows ---------------------------------------------------------------------------------

    def _row(self) -> Row:
        row = self.view.row
        if row is None:
            raise VaultError("not_found", strings.WHY_NO_ROW)
        return row

    def do_mark(self) -> None:
        """Mark the row."""
        self.view.hold()
        self.view.toggle_mark()

    def do_next_mark(self) -> None:
        """Go to the next marked row."""
        if not self.view.next_mark():
            self.console.notice(strings_traffic.NO_MARKS)

    async def do_copy(self) -> None:
        """Copy the row as a curl command."""
        if await clipboard.copy(curl(self._row().record), self.app.copy_to_clipboard):
            self.console.notice(strings.COPIED, Level.GOOD)
        else:
            self.console.notice(strings.NOT_COPIED, Level.ERROR)

    async def do_export(self) -> None:
        """Write the shown rows to a file."""
        from vault_tui.screens.export import export_rows

        await export_rows(self.console, list(self.console.traffic.ring.shown))

    async def do_service(self) -> None:
        """Make a service of the row's host."""
        from vault_tui.screens.drafts import draft_of_host

        found = self._row().record
        await draft_of_host(self.console, found.host, found.port)

    async def do_deny(self) -> None:
        """Write a rule that refuses requests like the row's."""
        from vault_tui.screens.deny_flows import deny_like

        await deny_like(self.console, self._row().record)

    async def do_why(self) -> None:
        """Which service wins for the row, and why."""
        from vault_tui.screens.match_tester import MatchTester

        record = self._row().record
        await self.app.push_screen_wait(MatchTester(url(record), record.method))
