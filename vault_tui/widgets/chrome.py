"""The frame around every screen: header, screen tabs, status line and key bar."""

from textual import events
from textual.content import Content
from textual.widget import Widget

from vault_tui.actions import Action, key_text
from vault_tui.state import ConsoleState, Level, Link
from vault_tui.strings import common as strings
from vault_tui.strings import devices as strings_devices
from vault_tui.strings import proposals as strings_proposals
from vault_tui.traffic.reading import clock
from vault_tui.widgets.words import plain, spread

NOTICE_LOOK = {
    Level.INFO: ("·", "$muted"),
    Level.GOOD: ("✓", "$success"),
    Level.WARNING: ("▲", "$warning"),
    Level.ERROR: ("✗", "$error"),
}

_LEAST_TITLE = 3
_NARROW = 100
_KNOWN_BY_KEY = frozenset({"app.palette", "app.command"})
"""Their labels leave a narrow key bar to the screen's own keys; help tells what they are."""

Key = tuple[Action, str, bool]
"""An action, its key, and whether it works now."""


class Spots:
    """Which action stands at which cells of a line, so that the mouse can reach it."""

    def __init__(self) -> None:
        self._spots: list[tuple[int, int, str]] = []

    def clear(self) -> None:
        """Forget all."""
        self._spots.clear()

    def put(self, start: int, end: int, action: str) -> None:
        """`action` runs on a click within `start` ≤ x < `end`."""
        self._spots.append((start, end, action))

    def at(self, x: int) -> str | None:
        """The action at cell `x`."""
        return next((name for start, end, name in self._spots if start <= x < end), None)


class Line(Widget):
    """One line of text whose parts can be clicked."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.spots = Spots()

    async def on_click(self, event: events.Click) -> None:
        """Run the action under the mouse."""
        action = self.spots.at(event.x)
        if action:
            await self.app.run_action(f"app.run('{action}')")


class HeaderLine(Line):
    """Who and where: product, vault, seal, operator; worker, version, link."""

    def __init__(self, state: ConsoleState) -> None:
        super().__init__("header")
        self.state = state

    def render(self) -> Content:
        """The line at the present width."""
        wide = self.size.width >= _NARROW
        right = self._worker(wide)
        left = self._left(wide, named=True)
        if left.cell_length + right.cell_length >= self.size.width:
            left = self._left(wide, named=False)
        return spread(left, right, self.size.width)

    def _left(self, wide: bool, *, named: bool) -> Content:
        """Vault, seal, what waits, operator; `named`: the product before them."""
        state = self.state
        self.spots.clear()
        product = f"{strings.PRODUCT}  " if named else ""
        left = Content.assemble((" ◆ ", "$accent bold"), (product, "bold"))
        start = left.cell_length
        left += Content.assemble(
            (strings.VAULT_WORD, "$muted"), plain(state.vault, "bold", 24), (" ▾", "$accent"), "  "
        )
        self.spots.put(start, left.cell_length, "app.vault")
        waiting = self._waiting()
        # That it is open goes without saying where something waits and there is little room.
        if wide or not waiting or state.sealed:
            left += self._seal() + Content("  ")
        for screen, count in waiting:
            start = left.cell_length
            left += Content.styled(count, "$warning bold") + Content("  ")
            self.spots.put(start, left.cell_length, f"screen.{screen}")
        start = left.cell_length
        left += self._operator()
        self.spots.put(start, left.cell_length, "app.unlock")
        return left

    def _waiting(self) -> list[tuple[str, str]]:
        """What waits for an answer: the screen, and how many."""
        found = []
        if self.state.status is not None and self.state.status.pending_proposals:
            count = self.state.status.pending_proposals
            found.append(("proposals", strings_proposals.WAITING.format(count=count)))
        if self.state.holds:
            found.append(("holds", strings.HOLDS_WAIT.format(count=len(self.state.holds))))
        if self.state.devices:
            found.append(("holds", strings_devices.WAITING.format(count=len(self.state.devices))))
        return found

    def _seal(self) -> Content:
        status = self.state.status
        if status is None:
            return Content.styled(strings.SEAL_UNKNOWN, "$muted")
        if not status.initialized:
            return Content.styled(strings.NOT_SET_UP, "$warning bold")
        if status.sealed:
            return Content.styled(strings.SEALED, "$warning bold")
        return Content.styled(strings.UNSEALED, "$success")

    def _operator(self) -> Content:
        if self.state.read_only:
            return Content.styled(strings.READ_ONLY, "$warning bold")
        if self.state.status is not None and self.state.status.operator:
            return Content.styled(strings.OPERATOR, "$success")
        return Content.styled(strings.LOCKED, "$muted")

    def _worker(self, wide: bool) -> Content:
        state = self.state
        parts: list[tuple[str, str] | Content] = []
        if wide:
            parts.append(plain(state.where, "$muted", 32))
            if state.status is not None:
                parts.append(plain(f" {state.status.version}", "$faint", 16))
            parts.append(("  ", ""))
        return Content.assemble(*parts, link_quality(state), " ")


def link_quality(state: ConsoleState) -> Content:
    """`▂▄▆ 3 ms`, in words too when it is bad."""
    if state.link is Link.CONNECTING:
        return Content.styled(strings.LINK_CONNECTING, "$muted")
    if state.link is Link.LOST:
        return Content.styled(strings.LINK_LOST, "$error bold")
    trip = max(state.round_trip_ms, 0.0)
    bars = "▂▄▆" if trip < 50 else "▂▄·" if trip < 150 else "▂··"
    word = f" {strings.LINK_SLOW}" if state.slow_link else ""
    text = "<1 ms" if trip < 1 else f"{trip:.0f} ms"
    return Content.assemble(
        (bars, "$warning" if word else "$success"), (f" {text}{word}", "$muted")
    )


def shortened(
    screens: list[tuple[str, str, str]], here: str, room: int
) -> list[tuple[str, str, str]]:
    """The screens with titles that fit: the longest one gives a letter, the present one none."""
    titles = {screen_id: title for screen_id, _, title in screens}
    spare = room - _room_of(screens)
    while spare < 0:
        longest = max((name for name in titles if name != here), key=lambda name: len(titles[name]))
        if len(titles[longest]) <= _LEAST_TITLE:
            break
        titles[longest] = titles[longest][:-1]
        spare += 1
    return [(screen_id, key, titles[screen_id]) for screen_id, key, _ in screens]


def _room_of(screens: list[tuple[str, str, str]]) -> int:
    """Cells of the closest tabs: a space before the key, one before the title, a last one."""
    return sum(len(key) + len(title) + 2 for _, key, title in screens) + 1


class TabLine(Line):
    """The screens, with the key of each; the present one stands out."""

    def __init__(self, state: ConsoleState, screens: list[tuple[str, str, str]], here: str) -> None:
        super().__init__("tabs")
        self.state = state
        self.screens = screens
        self.here = here
        self.note = Content("")

    def render(self) -> Content:
        """The tabs, and the screen's own note at the right."""
        self.spots.clear()
        line = Content("")
        room = self.size.width - self.note.cell_length - 2
        gap = " " * min(max((room - _room_of(self.screens)) // len(self.screens), 0), 2)
        for screen_id, key, title in shortened(self.screens, self.here, room):
            start = line.cell_length
            if screen_id == self.here:
                look = (
                    "bold reverse" if self.app.native_ansi_color else "bold $background on $accent"
                )
                line += Content.styled(f" {key} {title} ", look) + Content(gap[1:])
            else:
                line += Content.assemble((f" {key}", "$accent"), (f" {title}{gap}", "$muted"))
            self.spots.put(start, line.cell_length, f"screen.{screen_id}")
        return spread(line, self.note + Content(" "), self.size.width)

    def say(self, note: Content) -> None:
        """Set the note at the right."""
        if note != self.note:
            self.note = note
            self.refresh()


class StatusLine(Line):
    """The newest important event in one sentence."""

    def __init__(self, state: ConsoleState) -> None:
        super().__init__("status")
        self.state = state

    def render(self) -> Content:
        """Glyph, sentence, time of day."""
        notice = self.state.notice
        if notice is None:
            return Content.styled(f" · {strings.NOTHING_NEW}", "$faint")
        glyph, style = NOTICE_LOOK[notice.level]
        loud = notice.level in {Level.WARNING, Level.ERROR}
        left = Content.assemble(
            (f" {glyph} ", f"{style} bold"), plain(notice.text, style if loud else "")
        )
        return spread(left, Content.styled(f"{clock(notice.at)} ", "$faint"), self.size.width)


class KeyBar(Line):
    """The keys that work now; what does not work now is greyed, in brackets."""

    def __init__(self) -> None:
        super().__init__("keys")
        self._keys: list[Key] = []

    def show(self, keys: list[Key]) -> None:
        """Set (action, key, works)."""
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def render(self) -> Content:
        """As many keys as fit; help and palette always do."""
        self.spots.clear()
        narrow = self.size.width < _NARROW
        kept = [entry for entry in self._keys if entry[0].scope == "app"]
        last = [(entry, self._piece(entry, short=narrow)) for entry in kept]
        width = self.size.width - sum(piece.cell_length for _, piece in last) - 1
        line = Content("")
        for entry, piece in self._that_fit(width):
            self.spots.put(line.cell_length, line.cell_length + piece.cell_length, entry[0].id)
            line += piece
        start = self.size.width - sum(piece.cell_length for _, piece in last)
        for entry, piece in last:
            self.spots.put(start, start + piece.cell_length, entry[0].id)
            start += piece.cell_length
        return spread(line, Content("").join(piece for _, piece in last), self.size.width)

    def _that_fit(self, width: int) -> list[tuple[Key, Content]]:
        """The screen's own keys; where there is no room for all, those that work now come first."""
        own = [(entry, self._piece(entry)) for entry in self._keys if entry[0].scope != "app"]
        if sum(piece.cell_length for _, piece in own) > width:
            own.sort(key=lambda found: not found[0][2])
        fitting, used = [], 0
        for entry, piece in own:
            used += piece.cell_length
            if used > width:
                break
            fitting.append((entry, piece))
        return fitting

    def _piece(self, entry: Key, *, short: bool = False) -> Content:
        action, key, works = entry
        if not works:
            return Content.styled(f" ({key_text(key)} {action.label})", "$faint dim")
        label = "" if short and action.id in _KNOWN_BY_KEY else f" {action.label}"
        return Content.assemble((f" {key_text(key)}", "$accent bold"), (f"{label} ", "$muted"))
