"""What events mean for the console: rows for the traffic, lists to read again, notices."""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy_core.base.text import display_safe
from proxy_core.domain.events import Event, EventType
from proxy_core.domain.traffic import RequestRecord, RequestStart
from vault_tui.agent_news import effect_of_agent
from vault_tui.device_news import effect_of_device
from vault_tui.effects import Effect
from vault_tui.news import effect_of_account
from vault_tui.proposal_news import effect_of_proposal
from vault_tui.setting_news import effect_of_settings
from vault_tui.source_news import effect_of_source
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.traffic.rates import Rates
from vault_tui.traffic.reading import is_error
from vault_tui.traffic.ring import TrafficRing

RELOADS = {
    EventType.CREDENTIAL_CHANGED: "credentials",
    EventType.CREDENTIAL_DELETED: "credentials",
    EventType.CREDENTIAL_REVEALED: "",
    EventType.SERVICE_CHANGED: "services",
    EventType.SERVICE_DELETED: "services",
    EventType.VAULT_CHANGED: "vaults",
    EventType.VAULT_DELETED: "vaults",
    EventType.REQUEST_HELD: "holds",
    EventType.HOLD_RESOLVED: "holds",
    EventType.WEBHOOK_CHANGED: "status",
    EventType.WEBHOOK_FAILED: "status",
    EventType.WEBHOOK_DISABLED: "status",
    EventType.OPERATOR_UNLOCKED: "status",
    EventType.OPERATOR_REFUSED: "status",
    EventType.WORKER_SEALED: "status",
    EventType.WORKER_UNSEALED: "all",
    EventType.WORKER_STOPPING: "",
    EventType.WORKER_PROBLEM: "status",
    EventType.WORKER_CAUGHT_UP: "all",
}
_LEVELS = {
    EventType.CREDENTIAL_REVEALED: Level.WARNING,
    EventType.CREDENTIAL_DELETED: Level.WARNING,
    EventType.SERVICE_DELETED: Level.WARNING,
    EventType.REQUEST_HELD: Level.WARNING,
    EventType.OPERATOR_REFUSED: Level.WARNING,
    EventType.WORKER_SEALED: Level.WARNING,
    EventType.WORKER_STOPPING: Level.WARNING,
    EventType.WORKER_PROBLEM: Level.ERROR,
    EventType.WEBHOOK_FAILED: Level.WARNING,
    EventType.WEBHOOK_DISABLED: Level.ERROR,
    EventType.WORKER_UNSEALED: Level.GOOD,
    EventType.WORKER_CAUGHT_UP: Level.GOOD,
}
_EVERYWHERE = ("vault.", "request.held", "hold.")


class Traffic:
    """The requests of one vault, live, with their rates."""

    def __init__(self, vault: str) -> None:
        self.vault = vault
        self.ring = TrafficRing()
        self.rates = Rates()
        self.finished_count = 0

    def take(self, event: Event) -> bool:
        """Take a request event in; False for any other. Raises ValueError for a malformed one."""
        if event.type == EventType.REQUEST_FINISHED:
            record = _as(event.data, RequestRecord)
            if record.vault == self.vault:
                self.finished(record, event.at)
            return True
        if event.type == EventType.REQUEST_STARTED:
            start = _as(event.data, RequestStart)
            if start.vault == self.vault:
                self.ring.start(start)
            return True
        return False

    def finished(self, record: RequestRecord, at: float) -> None:
        """A request has ended at `at`."""
        self.ring.finish(record)
        self.finished_count += 1
        self.rates.request(at)
        if is_error(record):
            self.rates.error(at)

    def switch(self, vault: str) -> None:
        """Look at another vault."""
        self.vault = vault
        self.ring.clear()
        self.rates = Rates()


def _as(data: Any, kind: Any) -> Any:
    return data if isinstance(data, kind) else msgspec.convert(data, kind)


def effect_of(event: Event, vault: str) -> Effect:
    """What an event that is no request asks for; of other vaults' events alerts alone are told.

    Held requests and proposals are everybody's: they are told whatever vault is looked at.
    """
    data = event.data if isinstance(event.data, dict) else {}
    try:
        kind = EventType(event.type)
    except ValueError:
        return Effect()
    found = effect_of_account(kind, data) or _effect(kind, data)
    everywhere = (
        effect_of_proposal(event.type, data, vault)
        or effect_of_agent(kind, data)
        or effect_of_device(kind, data)
        or effect_of_source(kind, data)
        or effect_of_settings(kind, data)
    )
    if everywhere is not None:
        return everywhere
    about = data.get("vault")
    if about in (None, "", vault) or event.type.startswith(_EVERYWHERE):
        return found
    if found.level is not Level.ERROR:
        return Effect()
    elsewhere = strings.ELSEWHERE.format(vault=display_safe(str(about), 60), text=found.text)
    return Effect((), found.level, elsewhere)


def _effect(kind: EventType, data: Mapping[str, Any]) -> Effect:
    what = kind.value
    if kind is EventType.HOLD_RESOLVED:
        what = f"hold.{data.get('outcome', '')}"
    sentence = strings.EVENTS.get(what, "")
    text = ""
    if sentence:
        text = sentence.format(
            name=display_safe(
                str(
                    data.get("name")
                    or data.get("agent")
                    or data.get("detail")
                    or data.get("problem")
                    or ""
                ),
                120,
            ),
            by=display_safe(str(data.get("by") or strings.NOBODY), 60),
            change=display_safe(str(data.get("change") or ""), 60),
            error=display_safe(str(data.get("error") or ""), 120),
        )
    return Effect(_reloads(kind, data), _LEVELS.get(kind, Level.INFO), text)


def _reloads(kind: EventType, data: Mapping[str, Any]) -> tuple[str, ...]:
    """A pool is a credential too."""
    name = RELOADS.get(kind, "")
    if name == "credentials" and data.get("type") == "pool":
        return name, "accounts"
    return (name,) if name else ()
