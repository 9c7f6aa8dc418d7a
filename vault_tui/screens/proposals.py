"""Proposals: what agents ask for, what would come of it, and the decision."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable, Static

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.actions import Action
from vault_tui.proposal_reasons import DECISIONS, why_backed, why_no_decision
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.strings import common as strings
from vault_tui.strings import proposals as words
from vault_tui.widgets.fitted import FittedText
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.proposal_detail import describe_proposal
from vault_tui.widgets.proposal_row import cells, columns

if TYPE_CHECKING:
    from vault_tui.screens.proposal_flows import Decide

_FILTERS = tuple(words.FILTERS)
_NEED_NONE = frozenset({"filter", "drafts"})
_DETAIL_SHARE = 0.55


class ProposalsScreen(ListScreen, screen_id="proposals"):
    """The inbox and a detail, which Enter gives the whole screen: then one is read after another.

    One that is being read stays when somebody else decides it: nothing else takes its place under
    the reader's eyes.
    """

    empty = words.EMPTY_PENDING
    enter_action = "proposals.review"
    _filter = "pending"
    _reading = False
    _held = ""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[tuple[str, int], wire.ReviewedProposal] = {}
        self._fresh: set[tuple[str, int]] = set()

    def body(self) -> Iterable[Widget]:
        """As the other lists; the detail's lines are wrapped here."""
        with Container(id="split", classes="detailed"):
            yield KeyedTable(f"{self.screen_id}-table")
            with VerticalScroll(id="detail", can_focus=True):
                yield FittedText("detail-text")
        yield Static(id="empty", markup=False)

    # --- the list -----------------------------------------------------------------------------

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.proposals is not None

    def _listed(self) -> dict[str, wire.InboxProposal]:
        pending = self._filter == "pending"
        return {
            str(one.id): one
            for one in self.state.proposals or ()
            if self._filter == "all"
            or (one.status == "pending") == pending
            or (self._reading and str(one.id) == self._held)
        }

    def _here(self) -> wire.InboxProposal | None:
        return self._listed().get(self.table.key or "")

    @property
    def _at(self) -> tuple[str, int]:
        """Vault and number of the one under the cursor; number 0 when there is none."""
        return self.state.vault, int(self.table.key or 0)

    def _review(self) -> wire.ReviewedProposal | None:
        return self._found.get(self._at)

    def shape(self, width: int) -> Shape:
        """What is asked for takes what the others leave."""
        return columns(width)

    def _table_width(self) -> int:
        wide = self.size.width >= 140
        return round(self.size.width * (1 - _DETAIL_SHARE)) if wide else self.size.width

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a proposal, the newest first."""
        now = self.console.clock.time()
        return {key: cells(one, now) for key, one in self._listed().items()}

    def describe(self, key: str) -> Content:
        """Its difference and risks; what was read last, until it is there afresh."""
        found = self._found.get((self.state.vault, int(key)))
        if found is None:
            return Content.styled(words.LOADING, "$muted")
        keys = list(self._listed())
        place = ""
        if key in keys:
            place = words.PLACE.format(here=keys.index(key) + 1, count=len(keys))
        width = self.query_one(FittedText).columns
        return describe_proposal(found, self.console.clock.time(), width, place)

    def _freshen(self) -> None:
        """Ages move on; the list itself changes by events alone."""
        if self.is_current and self.state.proposals:
            self.show()

    @on(FittedText.Refit)
    def _refit(self) -> None:
        self.query_one(FittedText).update(self._detail())

    # --- reading ------------------------------------------------------------------------------

    def data_changed(self, kind: str) -> None:
        """What a proposal would change depends on services and credentials too."""
        if kind in {"proposals", "services", "credentials", "vault"}:
            self._fresh.clear()
            self.show()
            self._read_here()

    def show(self) -> None:
        """The list, and the present one's difference."""
        super().show()
        if self.is_mounted and self._reading and not self.rows():
            self._read(False)

    @on(KeyedTable.Chosen)
    @on(DataTable.RowHighlighted)
    def _moved_on(self) -> None:
        if self.table.key != self._held:
            self._held = self.table.key or ""
            self.query_one("#detail", VerticalScroll).scroll_home(animate=False)
        self._read_here()

    def _read_here(self) -> None:
        vault, number = self._at
        live = self.state.status is not None and not self.state.sealed
        if number and live and (vault, number) not in self._fresh:
            self._fresh.add((vault, number))
            self.console.attempt(self._fetch(vault, number), "proposal")

    async def _fetch(self, vault: str, number: int) -> None:
        try:
            found = await self.console.send(calls.review_proposal(number, vault))
        except VaultError:
            self._fresh.discard((vault, number))
            raise
        self._found[vault, number] = found
        if (vault, number) == self._at:
            self.show()

    def _read(self, reading: bool) -> None:
        self._reading = reading
        self.query_one("#split").set_class(reading, "reading")
        (self.query_one("#detail") if reading else self.table).focus()
        self.show()

    def action_leave(self) -> None:
        """Escape: back to the list."""
        if self._reading:
            self._read(False)

    # --- what can be done ---------------------------------------------------------------------

    def why_not(self, action: Action) -> str | None:
        """Decisions need a proposal that waits, and all that it waits for."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name in _NEED_NONE:
            return None
        here = self._here()
        if here is None:
            return words.WHY_NONE
        if action.name not in DECISIONS:
            return None
        found = self._review()
        why = why_no_decision(action.name, here, found, self.state.read_only)
        return why or (why_backed(action.name, found) if self.state.store else None)

    # --- actions ------------------------------------------------------------------------------

    def do_review(self) -> None:
        """The whole screen for one after another, or back."""
        self._read(not self._reading)

    def do_next(self) -> None:
        """The next one."""
        self._step(1)

    def do_previous(self) -> None:
        """The one before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        row = self.table.cursor_row + by
        if 0 <= row < self.table.row_count:
            self.table.move_cursor(row=row)
        else:
            self.console.notice(words.WHY_LAST if by > 0 else words.WHY_FIRST)

    def do_filter(self) -> None:
        """Those that wait, those decided, all."""
        here = _FILTERS.index(self._filter)
        self._filter = _FILTERS[(here + 1) % len(_FILTERS)]
        self.empty = words.EMPTY_PENDING if self._filter == "pending" else words.EMPTY_OTHERS
        self.show()
        self.console.notice(words.SHOWN.format(which=words.FILTERS[self._filter]))

    async def do_approve(self) -> None:
        """What it needs, then the decision."""
        from vault_tui.screens.proposal_flows import approve

        await self._decide(approve)

    async def do_reject(self) -> None:
        """A reason, then the decision."""
        from vault_tui.screens.proposal_flows import reject

        await self._decide(reject)

    async def _decide(self, how: "Decide") -> None:
        found = self._review()
        if found is not None and await how(self.console, found):
            self._go_on(found.id)

    def _go_on(self, decided: int) -> None:
        """To the next one that waits, as a reader would; after the last one to the list."""
        waiting = [
            one for one in self._listed().values() if one.status == "pending" and one.id != decided
        ]
        if waiting and self._reading:
            # The list has the newest first: the next older one, else the newest.
            after = next((one for one in waiting if one.id < decided), waiting[0])
            self.table.select(str(after.id))
        elif self._reading:
            self._read(False)
        self._fresh.clear()
        self.console.sync.reload("proposals")

    async def do_reveal(self) -> None:
        """A value that came with it, after a fresh proof."""
        from vault_tui.screens.proposal_flows import reveal

        found = self._review()
        if found is not None:
            await reveal(self.console, found)

    async def do_connect(self) -> None:
        """Sign in where a slot says, or paste tokens."""
        from vault_tui.screens.proposal_flows import connect_slot

        found = self._review()
        if found is not None:
            await connect_slot(self.console, found)

    async def do_drafts(self) -> None:
        """Hosts seen without a service."""
        from vault_tui.screens.drafts import drafts_of_hosts

        await drafts_of_hosts(self.console)
