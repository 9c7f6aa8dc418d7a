"""The figures on top of the traffic: rate, open streams, errors, refreshes, what was dropped."""

from textual.content import Content
from textual.widget import Widget

from proxy_core.domain.events import EventType
from vault_tui.live import Traffic
from vault_tui.state import ConsoleState
from vault_tui.strings import traffic as strings_traffic
from vault_tui.traffic.rates import SECONDS
from vault_tui.widgets.words import plain, spark, spread

_ROOMY = 100


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
        streams, dropped = (status.streams, status.log_dropped) if status is not None else (0, 0)
        counts = (streams, dropped, refreshes(self.state, now))
        shown = (int(now), filter_text, mode, self.traffic.ring.under_way, counts)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        """Figures left, filter and mode right."""
        status, width = self.state.status, self.size.width
        gap = "   " if width >= _ROOMY else "  "
        left = Content(gap).join(
            [
                self._rate(30 if width >= 140 else 16 if width >= _ROOMY else 8),
                _figure(
                    status.streams if status is not None else 0, strings_traffic.STREAMS, "$primary"
                ),
                *self._of_five_minutes(width >= _ROOMY),
            ]
        )
        dropped = status.log_dropped if status is not None else 0
        if dropped:
            left += Content(gap) + _figure(dropped, strings_traffic.DROPPED, "$error")
        right = Content.styled(self.mode, "$accent bold")
        if self.filter_text:
            shown = plain(self.filter_text, "$accent", max(width // 3, 12))
            right = Content.assemble(("⊂ ", "$accent"), shown, "  ") + right
        return spread(left, right + Content(" "), width)

    def _rate(self, bars: int) -> Content:
        rates = self.traffic.rates
        return Content.assemble(
            (f" {rates.per_second(self._now):.1f}", "bold"),
            (f" {strings_traffic.PER_SECOND} ", "$muted"),
            (spark(rates.series(self._now, bars)), "$primary"),
        )

    def _of_five_minutes(self, roomy: bool) -> list[Content]:
        """Errors and refreshes; the latter give way to a filter where there is little room."""
        errors = _figure(self.traffic.rates.errors(self._now), strings_traffic.ERRORS, "$error")
        renewed = _figure(refreshes(self.state, self._now), strings_traffic.REFRESHES, "")
        if roomy:
            return [Content.assemble(errors, ", ", renewed, (strings_traffic.LATELY, "$muted"))]
        return [errors] if self.filter_text else [errors, renewed]


def refreshes(state: ConsoleState, now: float) -> int:
    """Logins of the vault that got new tokens in the time that the errors are counted for."""
    return sum(
        event.type == EventType.REFRESH_SUCCEEDED
        and event.at > now - SECONDS
        and event.data.get("vault") in (None, "", state.vault)
        for event in state.events
        if isinstance(event.data, dict)
    )


def _figure(count: int, words: tuple[str, str], loud: str) -> Content:
    """A count and its word, for one and for more; the count is only loud when it is not zero."""
    word = words[0] if count == 1 else words[1]
    return Content.assemble((str(count), f"{loud} bold" if count else ""), (f" {word}", "$muted"))
