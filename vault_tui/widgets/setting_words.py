"""The rows of Settings, and one of them in detail: key slots, the worker, its CA, what can be set.

A row's key is `part:name`; a slot's name is its id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache

from textual.content import Content

from proxy_core.base.clock import rfc3339
from proxy_core.base.text import display_safe
from proxy_core.domain.wire import Setting, SlotInfo, Status
from vault_tui.setting_text import shown, text_of
from vault_tui.state import ConsoleState
from vault_tui.strings import common as strings
from vault_tui.strings import settings as words
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.spans import countdown, seconds_until
from vault_tui.widgets.words import ago, plain, when

_SOON_SECONDS = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Row:
    """`value` and `more` are shown; `text` is what is copied, `about` what a filter finds too."""

    part: str
    name: str
    value: Content
    more: Content
    text: str
    about: str = ""


def rows_of(state: ConsoleState, now: float) -> dict[str, Row]:
    """Key slots first: with those the vault opens. `now` is epoch seconds."""
    found = {f"slot:{slot.id}": slot_row(slot, now) for slot in state.slots or ()}
    if state.status is not None:
        found |= _worker_rows(state, state.status)
    found |= _ca_rows(state.ca_pem, now)
    found |= {f"setting:{one.name}": _setting_row(one) for one in state.settings or ()}
    return found


def is_unattended(slot: SlotInfo) -> bool:
    """Whether the worker opens the vault with it, without a person."""
    return slot.kind in {"keyring", "keyfile"}


def slot_name(slot: SlotInfo) -> str:
    """A slot as it is called, fit to be shown."""
    return display_safe(slot.label or slot.kind, 100)


def slot_row(slot: SlotInfo, now: float) -> Row:
    """One way in which the vault opens."""
    itself = is_unattended(slot)
    opens = Content.styled(
        words.OPENS_ITSELF if itself else words.OPENS_ASKED, "$success" if itself else "$primary"
    )
    kind = words.SLOT_KINDS.get(slot.kind, display_safe(slot.kind, 20))
    made = words.MADE.format(kind=kind, ago=ago(slot.created_at, now))
    return Row("slot", slot_name(slot), opens, plain(made, "$muted"), slot.id, slot.kind)


def _worker_rows(state: ConsoleState, status: Status) -> dict[str, Row]:
    facts: list[tuple[str, str]] = [
        ("version", status.version),
        ("where", state.where),
        ("pid", str(status.pid)),
        ("uptime", countdown(status.uptime)),
        ("api", status.api),
        ("proxy", status.proxy),
        ("socket", status.socket),
        ("tls", words.YES if status.tls else words.NO),
        ("database", status.database),
        ("connections", str(status.connections)),
        ("streams", str(status.streams)),
        ("log_dropped", str(status.log_dropped)),
    ]
    found = {f"worker:{name}": _fact("worker", words.WORKER[name], text) for name, text in facts}
    for number, problem in enumerate(status.problems):
        row = _fact("worker", words.WORKER["problem"], f"✗ {problem}", "$error bold")
        found[f"worker:problem{number}"] = row
    return found


def _ca_rows(pem: str, now: float) -> dict[str, Row]:
    if not pem:
        return {}
    fingerprint, until = _certificate(pem)
    if not fingerprint:
        return {"ca:broken": _fact("ca", words.CA_FINGERPRINT, words.CA_UNREADABLE, "$error")}
    left = seconds_until(until, now) or 0.0
    style = "$warning bold" if left < _SOON_SECONDS else ""
    return {
        "ca:sha256": _fact("ca", words.CA_FINGERPRINT, fingerprint),
        "ca:until": _fact("ca", words.CA_EXPIRES, f"{when(until)}  ({countdown(left)})", style),
    }


@lru_cache(maxsize=4)
def _certificate(pem: str) -> tuple[str, str]:
    """SHA-256 in hex pairs, and the end as RFC 3339; both empty for what is no certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        found = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return "", ""
    end = found.not_valid_after_utc.astimezone(UTC).timestamp()
    return found.fingerprint(SHA256()).hex(":").upper(), rfc3339(end)


def _fact(part: str, name: str, text: str, style: str = "") -> Row:
    return Row(part, name, plain(text, style, 400), Content(""), text)


def _setting_row(one: Setting) -> Row:
    changed = one.value != one.default
    value = plain(shown(one.value), "bold $accent" if changed else "", 400)
    usual = words.DEFAULT.format(value=shown(one.default)) if changed else ""
    return Row(
        "setting", display_safe(one.name, 60), value, plain(usual, "$muted", 100),
        text_of(one.value), one.description,
    )  # fmt: skip


def cells(rows: Mapping[str, Row]) -> dict[str, dict[str, Content]]:
    """Cells by row key and column id; each part is named once, at its first row."""
    found, part = {}, ""
    for key, row in rows.items():
        title = words.PARTS[row.part] if row.part != part else ""
        part = row.part
        found[key] = {
            "part": Content.styled(title, "$accent"),
            "name": plain(row.name, "bold" if row.part == "slot" else "", 100),
            "value": row.value,
            "more": row.more,
        }
    return found


def describe_slot(slot: SlotInfo, slots: Sequence[SlotInfo]) -> Content:
    """The detail pane's text."""
    lines = [
        plain(slot_name(slot), "bold"),
        field(words.KIND, words.SLOT_KINDS.get(slot.kind, slot.kind)),
        field(words.OPENS, words.OPENS_WORDS.get(slot.kind, strings.NEVER)),
        field(words.MADE_AT, when(slot.created_at)),
        field(words.SLOT_ID, slot.id, "$muted"),
        Content(""),
        heading(words.IF_REMOVED),
        *map(plain, consequences(slot, slots)),
    ]
    return Content("\n").join(lines)


def consequences(slot: SlotInfo, slots: Sequence[SlotInfo]) -> list[str]:
    """What removing a slot breaks, and what goes on: one sentence each."""
    others = [one for one in slots if one.id != slot.id]
    if not others:
        return [f"{words.WHY_ONLY_SLOT[0].upper()}{words.WHY_ONLY_SLOT[1:]}."]
    alone = [slot_name(one) for one in others if is_unattended(one)]
    typed = [slot_name(one) for one in others if not is_unattended(one)]
    said = [words.GOES_WITH_IT[slot.kind]] if slot.kind in words.GOES_WITH_IT else []
    if is_unattended(slot):
        said.append(words.STILL_ITSELF.format(labels=_list(alone)) if alone else words.NOT_ITSELF)
    elif typed:
        said.append(words.STILL_PASSWORD.format(labels=_list(typed)))
    else:
        said.append(words.NONE_TYPED.format(labels=_list(alone)))
    return said


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def describe_row(key: str, row: Row, settings: Sequence[Setting]) -> Content:
    """The detail of anything but a slot."""
    part, _, name = key.partition(":")
    one = next((one for one in settings if one.name == name), None)
    lines = [plain(row.name, "bold"), row.value]
    if part == "setting" and one is not None:
        value = text_of(one.value)
        command = words.SET_COMMAND.format(name=one.name, value=value or '""')
        lines = [
            plain(row.name, "bold"),
            plain(one.description, "", 400),
            Content(""),
            field(words.VALUE, shown(one.value)),
            field(words.USUAL, shown(one.default)),
        ]
    elif part == "ca":
        lines += [Content(""), plain(words.CA_TEXT)]
        command = words.CA_COMMAND
    else:
        command = words.WORKER_COMMAND
    return Content("\n").join(
        [*lines, Content(""), heading(words.FROM_A_SHELL), plain(f"  {command}", "$accent", 400)]
    )
