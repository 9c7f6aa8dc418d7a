"""An event and an entry of the audit, as a row and in detail. All of it comes from outside."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from textual.content import Content

from proxy_core.base.clock import rfc3339
from proxy_core.domain import wire
from proxy_core.domain.events import Event
from vault_tui.strings import audit as words
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.words import plain, when

_LONGEST = 400
_NAMES = ("name", "agent", "credential_key", "pool", "key", "slot", "problem")
_FIXED = frozenset({"vault", "name", "by"})
_ALERTING = frozenset(
    {
        "deleted",
        "denied",
        "failed",
        "login_refused",
        "problem",
        "reconnect",
        "refused",
        "removed",
        "revealed",
        "revoked",
        "sealed",
        "value_revealed",
    }
)


def event_cells(event: Event) -> dict[str, Content]:
    """Cells by column id."""
    data = _data(event)
    rest = [name for name in data if name not in _FIXED]
    rest.sort(key=lambda name: name.endswith("id"))  # what only programs know by comes last
    more = ", ".join(_said(name, data[name]) for name in rest)
    return {
        "at": Content.styled(when(rfc3339(event.at))[11:], "$muted"),
        "what": plain(event.type, _tone(event.type), 40),
        "name": plain(_about(data), "bold", 120),
        "vault": plain(str(data.get("vault") or ""), "$muted", 64),
        "by": plain(str(data.get("by") or ""), "", 80),
        "more": plain(more, "$muted", _LONGEST),
    }


def entry_cells(entry: wire.AuditEntry) -> dict[str, Content]:
    """Cells by column id."""
    return {
        "at": Content.styled(when(entry.at), "$muted"),
        "who": plain(who(entry), "", 80),
        "what": plain(entry.action, _tone(entry.action), 40),
        "name": plain(entry.target, "bold", 120),
        "vault": plain(entry.vault, "$muted", 64),
        "place": plain(place(entry.source), "$muted", 80),
        "more": Content(", ").join(_differences(entry)),
    }


def describe_event(event: Event) -> Content:
    """The detail pane's text."""
    lines = [
        plain(event.type, "bold", 60),
        field(words.AT, when(rfc3339(event.at))),
        Content(""),
        heading(words.DATA),
        *(field(_short(name), _text(value)) for name, value in _data(event).items()),
    ]
    return Content("\n").join(lines)


def describe_entry(entry: wire.AuditEntry) -> Content:
    """The detail pane's text."""
    changed = [Content("  ") + one for one in _differences(entry)]
    lines = [
        Content.assemble(plain(entry.action, "bold", 60), "  ", plain(entry.target, "", 120)),
        field(words.WHO, who(entry)),
        field(words.PLACE, place(entry.source)),
        field(words.AT, when(entry.at)),
        *([field(words.ROUTE, _text(entry.route))] if entry.route else []),
        *([field(words.VAULT, _text(entry.vault))] if entry.vault else []),
        *([heading(words.BEFORE_AFTER), *changed] if changed else []),
        field(words.NUMBER, str(entry.seq)),
        field(words.HASH, _text(entry.hash), "$muted"),
    ]
    if not entry.sealed:
        lines.append(Content.styled(words.UNSEALED, "$warning"))
    return Content("\n").join(lines)


def who(entry: wire.AuditEntry) -> str:
    """Kind and name."""
    return f"{entry.actor.kind} {entry.actor.name}".strip()


def place(source: Mapping[str, Any]) -> str:
    """An address, or a process; and the issuer whose JWT was sent from there."""
    where = _where(source)
    if "issuer" not in source:
        return where
    return words.BY_JWT.format(place=where, issuer=source["issuer"])


def _where(source: Mapping[str, Any]) -> str:
    if not source:
        return words.WORKER
    if "address" in source:
        return str(source["address"])
    process = words.PROCESS.format(uid=source.get("uid", "?"), pid=source.get("pid", "?"))
    if "tty" in source:
        return words.TERMINAL.format(process=process, tty=source["tty"])
    return process


def matches(event: Event, wanted: str) -> bool:
    """Whether every word is somewhere in the event."""
    text = f"{event.type} {json.dumps(_data(event), default=str)}".lower()
    return all(word in text for word in wanted.lower().split())


def _differences(entry: wire.AuditEntry) -> Iterator[Content]:
    for name in dict.fromkeys((*entry.before, *entry.after)):
        parts = [plain(f"{_short(name)} ", "$muted")]
        if name in entry.before:
            parts.append(plain(_text(entry.before[name]), "$error"))
            parts.append(Content.styled(words.ARROW, "$muted"))
            if name not in entry.after:
                parts.append(Content.styled(words.NOTHING, "$muted"))
        if name in entry.after:
            parts.append(plain(_text(entry.after[name]), "$success"))
        yield Content.assemble(*parts)


def _about(data: Mapping[str, Any]) -> str:
    """Whom or what an event is about, by the first of the names that it has."""
    found = (data.get(name) for name in _NAMES)
    return next((str(value) for value in found if value), "")


def _data(event: Event) -> Mapping[str, Any]:
    return event.data if isinstance(event.data, dict) else {}


def _said(name: str, value: object) -> str:
    return f"{name} {_text(value)}"


def _short(name: str) -> str:
    return str(name)[:40]


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _tone(action: str) -> str:
    return "$warning" if action.rpartition(".")[2] in _ALERTING else "$primary"
