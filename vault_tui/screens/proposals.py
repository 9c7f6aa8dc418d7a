"""Proposals: what agents ask for, and what would come of it."""

from textual.content import Content

from proxy_core.domain import wire
from vault_tui import strings
from vault_tui import strings_proposals as words
from vault_tui.actions import Action
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.words import ago, plain, safe_lines, when

_FILTERS = tuple(words.FILTERS)


class ProposalsScreen(ListScreen, screen_id="proposals"):
    """The inbox and a detail."""

    empty = words.EMPTY_PENDING
    enter_action = "proposals.filter"
    _filter = "pending"

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.proposals is not None

    def _shown(self) -> dict[str, wire.ProposalSummary]:
        return {
            str(one.id): one
            for one in self.state.proposals or ()
            if self._filter == "all" or (one.status == "pending") == (self._filter == "pending")
        }

    def shape(self, width: int) -> Shape:
        """What is asked for takes what the others leave."""
        sizes = {"state": 10, "id": 4, "age": 10, "agent": 16}
        sizes["asks"] = max(width - sum(sizes.values()) - 2 * (len(sizes) + 1) - 2, 16)
        return [(name, title, sizes[name]) for name, title in words.COLUMNS.items()]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a proposal, the newest first."""
        now = self.console.clock.time()
        return {key: _cells(one, now) for key, one in self._shown().items()}

    def describe(self, key: str) -> Content:
        """Who asks for what."""
        one = self._shown().get(key)
        if one is None:
            return Content("")
        lines = [
            field(words.BY, one.created_by),
            field(words.SINCE, when(one.created_at)),
            Content(""),
            heading(words.MESSAGE),
            Content(safe_lines(one.message)),
        ]
        return Content("\n").join(lines)

    def why_not(self, action: Action) -> str | None:  # noqa: ARG002 - as the others
        """Nothing can be done while it is sealed."""
        return strings.WHY_SEALED if self.state.sealed else None

    def do_filter(self) -> None:
        """Those that wait, those decided, all."""
        here = _FILTERS.index(self._filter)
        self._filter = _FILTERS[(here + 1) % len(_FILTERS)]
        self.empty = words.EMPTY_PENDING if self._filter == "pending" else words.EMPTY_OTHERS
        self.show()
        self.console.notice(words.SHOWN.format(which=words.FILTERS[self._filter]))


def _cells(one: wire.ProposalSummary, now: float) -> dict[str, Content]:
    glyph, word, style = words.STATES.get(one.status, ("?", one.status, ""))
    asks = [
        words.SERVICES.format(count=one.services_count),
        words.CREDENTIALS.format(count=one.credentials_count),
    ]
    return {
        "state": plain(f"{glyph} {word}", style),
        "id": Content(f"{one.id}"),
        "age": Content.styled(ago(one.created_at, now), "$muted"),
        "agent": plain(one.created_by, "", 40),
        "asks": plain(", ".join(asks)),
    }
