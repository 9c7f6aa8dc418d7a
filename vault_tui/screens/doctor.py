"""What is wrong and how to mend it, as `vault-tui doctor` says; looked at in a thread."""

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable, Static

from proxy_core.base.errors import VaultError
from proxy_core.domain.doctor import Diagnosis, Finding, diagnose
from proxy_core.domain.doctor.method import describe_method
from vault_tui import clipboard
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.strings import doctor as words
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.words import lines_content, plain
from vault_tui.worker_link import Examine

_LEVEL_WIDTH = 10
_STYLES = {"error": "$error bold", "warning": "$warning bold", "note": "$muted"}


class DoctorBoard(Dialog[None]):
    """A row a finding; the one under the cursor in full below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "look", show=False),
        Binding("y", "copy", show=False),
        Binding("q", "close", show=False),
    ]

    def __init__(self, examine: Examine) -> None:
        super().__init__(classes="dialog full")
        self._examine = examine
        self._found: Diagnosis | None = None
        self._note = lines_content(words.LOOKING)

    def compose(self) -> ComposeResult:
        """The table, or what stands in its place; the finding; how Claude Code logs in."""
        with Vertical(classes="window") as window:
            window.border_title = Content(words.TITLE)
            window.border_subtitle = Content(words.KEYS)
            yield Static("", id="none", markup=False)
            yield KeyedTable("findings")
            yield Static("", id="finding", markup=False)
            yield Static("", id="method", markup=False)

    def on_mount(self) -> None:
        """Look at once."""
        self.query_one(KeyedTable).focus()
        self.action_look()

    def on_resize(self) -> None:
        """The finding takes what the level leaves."""
        self.call_after_refresh(self._show)

    def action_look(self) -> None:
        """Look again."""
        self._found, self._note = None, lines_content(words.LOOKING)
        self._show()
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        try:
            facts = await asyncio.to_thread(self._examine, self.console.state.vault)
        except VaultError as error:
            self._note = plain(words.FAILED.format(why=error), "$error")
        else:
            self._found, self._note = diagnose(facts), lines_content(words.WELL)
        self._show()

    # --- drawing ------------------------------------------------------------------------------

    def _findings(self) -> dict[str, Finding]:
        found = self._found.findings if self._found is not None else ()
        return {str(number): finding for number, finding in enumerate(found)}

    def _show(self) -> None:
        if not self.is_mounted:
            return
        table, findings = self.query_one(KeyedTable), self._findings()
        table.display = bool(findings)
        note = self.query_one("#none", Static)
        note.display = not findings
        note.update(self._note)
        room = max(self.size.width - _LEVEL_WIDTH - 12, 20)
        sizes = {"level": _LEVEL_WIDTH, "what": room}
        shape = [(name, title, sizes[name]) for name, title in words.COLUMNS.items()]
        table.show(shape, {key: _cells(finding) for key, finding in findings.items()})
        self.query_one("#method", Static).update(self._method())
        self._show_finding()
        if findings and self.focused is None:  # while it was hidden it could not have the keys
            table.focus()

    @on(KeyedTable.Chosen)
    @on(DataTable.RowHighlighted)
    def _show_finding(self) -> None:
        finding = self._findings().get(self.query_one(KeyedTable).key or "")
        self.query_one("#finding", Static).update(_in_full(finding))

    def _method(self) -> Content:
        method = self._found.method if self._found is not None else None
        if method is None:
            return Content("")
        lines = [plain(words.METHOD_TITLE, "$muted bold")]
        return Content("\n").join([*lines, *(plain(line) for line in describe_method(method))])

    # --- keys ---------------------------------------------------------------------------------

    async def action_copy(self) -> None:
        """The command of the finding under the cursor."""
        finding = self._findings().get(self.query_one(KeyedTable).key or "")
        if finding is not None and finding.remedy:
            sent = await clipboard.copy(finding.remedy, self.app.copy_to_clipboard)
            self.console.notice(strings.COPIED if sent else strings.NOT_COPIED)


def _cells(finding: Finding) -> list[Content]:
    level = finding.level.value
    return [Content.styled(words.LEVELS[level], _STYLES[level]), plain(finding.what)]


def _in_full(finding: Finding | None) -> Content:
    if finding is None:
        return Content("")
    command = words.COMMAND.format(command=finding.remedy) if finding.remedy else words.NO_COMMAND
    lines = [
        plain(finding.what, _STYLES[finding.level.value]),
        plain(finding.why),
        plain(command, "$accent bold" if finding.remedy else "$muted"),
    ]
    return Content("\n").join(lines)
