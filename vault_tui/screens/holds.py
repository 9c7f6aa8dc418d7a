"""Holds: what waits for an answer, requests of every vault and devices that sign in; and what was
allowed for a while.
"""

from textual.content import Content

from proxy_core.base.clock import parse_rfc3339
from proxy_core.client import calls
from proxy_core.domain import wire
from vault_tui.actions import Action
from vault_tui.screens.ask import Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.device_flows import (
    approve_device,
    deny_device,
    describe_device,
    device_cells,
)
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import devices as strings_devices
from vault_tui.strings import holds as hold_words
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.words import plain, safe_lines, when

_HURRY_SECONDS = 20
_ROOMY = 100
_LOOK_SECONDS = 1.0
"""So long no answer is taken after the request that was looked at has gone by itself."""


class HoldsScreen(ListScreen, screen_id="holds"):
    """The list with the time left, a detail, and the answers behind the keys."""

    empty = hold_words.EMPTY_HOLDS
    _answered = ""
    _steady_at = 0.0
    enter_action = "holds.allow"

    def on_mount(self) -> None:
        """The time left runs by itself."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.is_current and (self.state.holds or self.state.devices):
            self.show()

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.holds is not None

    def _find(self, key: str | None) -> wire.Hold | None:
        return next((hold for hold in self.state.holds or () if hold.id == key), None)

    def _find_device(self, key: str | None) -> wire.DeviceRequest | None:
        return next((one for one in self.state.devices if one.code == key), None)

    def shape(self, width: int) -> Shape:
        """The URL takes what the others leave."""
        fixed = [("left", 5), ("agent", 16), ("method", 7), ("service", 12)]
        if width >= _ROOMY:
            fixed.append(("vault", 12))
        url = max(width - sum(size for _, size in fixed) - 2 * (len(fixed) + 1) - 2, 16)
        sizes = {**dict(fixed), "url": url}
        order = [name for name in hold_words.HOLD_COLUMNS if name in sizes]
        return [(name, hold_words.HOLD_COLUMNS[name], sizes[name]) for name in order]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a request, the oldest first, then the devices."""
        now = self.console.clock.time()
        found = {hold.id: _cells(hold, now) for hold in self.state.holds or ()}
        for device in self.state.devices:
            found[device.code] = {"left": _left(device, now), **device_cells(device)}
        return found

    def describe(self, key: str) -> Content:
        """Everything that helps to decide."""
        device = self._find_device(key)
        if device is not None:
            return describe_device(device)
        hold = self._find(key)
        if hold is None:
            return Content("")
        width, no = self.detail_width, strings.NO_SERVICE
        who = strings.ACTOR.format(name=hold.agent, kind=hold.actor_type)
        lines = [
            plain(f"{hold.method} {hold.url}", "bold"),
            field(strings.WHY, hold.reason, width=width),
            field(strings.KEYS, ", ".join(hold.credential_keys) or no, width=width),
            field(strings.AGENT, who, width=width),
        ]
        if hold.body_preview:
            body = Content(safe_lines(hold.body_preview))
            lines += [Content(""), heading(hold_words.HOLD_BODY), body, Content("")]
        lines += [
            field(strings.SERVICE, hold.service or no, width=width),
            field(hold_words.HOLD_VAULT, hold.vault, width=width),
            field(hold_words.HOLD_SINCE, when(hold.created_at)),
        ]
        return Content("\n").join(lines)

    def show(self) -> None:
        """The list; where another request comes under the cursor by itself, keys wait a moment."""
        known, before = self.is_mounted and bool(self.size.width), ""
        if known:
            before = self.table.key or ""
        super().show()
        if known and before and before not in {*self.rows(), self._answered}:
            self._steady_at = self.console.clock.monotonic() + _LOOK_SECONDS
            self.show_keys()

    def why_not(self, action: Action) -> str | None:
        """Answers need a request; grants can always be looked at."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name != "grants" and self.table.key is None:
            return strings.WHY_NO_HOLD
        if action.changes and self.console.clock.monotonic() < self._steady_at:
            return hold_words.WHY_ANOTHER
        if action.name == "deny_always" and self._find_device(self.table.key) is not None:
            return strings_devices.WHY_NO_RULE
        return None

    # --- actions ------------------------------------------------------------------------------

    async def do_allow(self) -> None:
        """Let it go on, for as long as is chosen; a device, as which agent."""
        device = self._find_device(self.table.key)
        if device is not None:
            await approve_device(self.console, device)
            return
        hold = self._find(self.table.key)
        if hold is None:
            return
        entries = [(name, Content(f" {text}")) for name, text in hold_words.HOLD_DURATIONS.items()]
        title = hold_words.HOLD_ALLOW_TITLE.format(method=hold.method, agent=hold.agent)
        choose = Choose(title, entries, "", deliberate=True, text=hold.url)
        duration = await self.app.push_screen_wait(choose)
        if duration:
            await self._answer(hold, calls.approve_hold(hold.id, duration))

    async def do_deny(self) -> None:
        """Refuse it, this once."""
        device = self._find_device(self.table.key)
        if device is not None:
            await deny_device(self.console, device)
            return
        hold = self._find(self.table.key)
        if hold is not None:
            await self._answer(hold, calls.deny_hold(hold.id))

    async def do_deny_always(self) -> None:
        """Refuse it and those like it, after a confirmation: a rule is written."""
        hold = self._find(self.table.key)
        if hold is None:
            return
        text = hold_words.HOLD_DENY_TEXT.format(method=hold.method, url=hold.url)
        sure = Confirm(hold_words.HOLD_DENY_TITLE, text, hold_words.HOLD_DENY_BUTTON)
        if await self.app.push_screen_wait(sure):
            await self._answer(hold, calls.deny_hold(hold.id, always=True))

    async def _answer(self, hold: wire.Hold, call: calls.Call[wire.HoldResolved]) -> None:
        self._answered = hold.id
        found = await self.console.send_as_operator(call)
        if found is None:
            return
        allowed = found.outcome == "approved"
        one, several = hold_words.HOLD_ALLOWED if allowed else hold_words.HOLD_DENIED
        words = (hold_words.HOLD_GONE, one)[found.released] if found.released < 2 else several
        level = Level.GOOD if allowed else Level.WARNING
        self.console.notice(words.format(others=found.released - 1), level)
        self.console.sync.reload("holds")

    async def do_grants(self) -> None:
        """What was allowed for a while; one of them can be ended."""
        grants = (await self.console.send(calls.grants())).grants
        entries = [(grant.id, _grant_line(grant)) for grant in grants]
        chosen = await self.app.push_screen_wait(
            Choose(hold_words.GRANTS_TITLE, entries, hold_words.GRANTS_NONE, deliberate=True)
        )
        if chosen is None or self.state.read_only:
            return
        if await self.console.send_as_operator(calls.revoke_grant(chosen)) is not None:
            self.console.notice(hold_words.GRANT_REVOKED, Level.GOOD)


def _cells(hold: wire.Hold, now: float) -> dict[str, Content]:
    return {
        "left": _left(hold, now),
        "agent": plain(hold.agent, "bold"),
        "method": plain(hold.method, "$accent"),
        "url": plain(hold.url.removeprefix("https://")),
        "service": plain(hold.service) if hold.service else Content.styled(strings.NEVER, "$faint"),
        "vault": plain(hold.vault, "$muted"),
    }


def _left(waiting: wire.Hold | wire.DeviceRequest, now: float) -> Content:
    left = _seconds_left(waiting, now)
    hurry = "$error bold" if left < _HURRY_SECONDS else "$warning"
    return Content.styled(f"{left:>3} s", hurry)


def _seconds_left(hold: wire.Hold | wire.DeviceRequest, now: float) -> int:
    try:
        return max(0, round(parse_rfc3339(hold.expires_at) - now))
    except ValueError:
        return hold.seconds_left


def _grant_line(grant: wire.Grant) -> Content:
    ends = when(grant.expires_at) if grant.expires_at else hold_words.GRANT_NO_END
    return Content.assemble(
        plain(grant.agent, "bold", 20),
        "  ",
        plain(f"{grant.method} {grant.url}", "", 60),
        (f"  {hold_words.GRANT_UNTIL.format(ends=ends)}", "$muted"),
    )
