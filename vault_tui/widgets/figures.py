"""The figures on top of the traffic: rate, open streams, errors, what was dropped."""

from textual.content import Content
from textual.widget import Widget

from vault_tui import strings_traffic
from vault_tui.live import Traffic
from vault_tui.state import ConsoleState
from vault_tui.widgets.words import plain, spark, spread


class Figures(Widget):
    """One line; `filter_text` and `waiting` are what the screen adds to it."""

    def __init__(self, state: ConsoleState, traffic: Traffic) -> None:
        super().__init__(id="figures")
        self.state, self.traffic = state, traffic
        self.filter_text = ""
        self.mode = ""
        self._now = 0.0
        self._shown: tuple[object, ...] = ()

    def tick(self, now: float, filter_text: str, mode: str) -> None:
        """Bring the line up to date; `now` is epoch seconds."""
        self._now, self.filter_text, self.mode = now, filter_text, mode
        status = self.state.status
        counts = (status.streams, status.log_dropped) if status is not None else ()
        shown = (int(now), filter_text, mode, self.traffic.ring.under_way, counts)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        """Figures left, filter and mode right."""
        rates, status, width = self.traffic.rates, self.state.status, self.size.width
        bars = 30 if width >= 140 else 16 if width >= 100 else 8
        errors = rates.errors(self._now)
        dropped = status.log_dropped if status is not None else 0
        gap = "   " if width >= 100 else "  "
        left = Content.assemble(
            (f" {rates.per_second(self._now):.1f}", "bold"),
            (f" {strings_traffic.PER_SECOND} ", "$muted"),
            (spark(rates.series(self._now, bars)), "$primary"),
            gap,
            _figure(
                status.streams if status is not None else 0, strings_traffic.STREAMS, "$primary"
            ),
            gap,
            _figure(
                errors,
                strings_traffic.ERRORS_5_MIN if width >= 100 else strings_traffic.ERRORS,
                "$error",
            ),
        )
        if dropped:
            left += Content(gap) + _figure(dropped, strings_traffic.DROPPED, "$error")
        right = Content.styled(self.mode, "$accent bold")
        if self.filter_text:
            shown = plain(self.filter_text, "$accent", max(width // 3, 12))
            right = Content.assemble(("⊂ ", "$accent"), shown, "  ") + right
        return spread(left, right + Content(" "), width)


def _figure(count: int, word: str, loud: str) -> Content:
    """A count and its word; the count is only loud when it is not zero."""
    return Content.assemble((str(count), f"{loud} bold" if count else ""), (f" {word}", "$muted"))
