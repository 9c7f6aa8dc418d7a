"""The difference that a proposal would make, in words: now and after, part by part."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from textual.content import Content

from proxy_core.domain import wire
from vault_tui.service_words import auth_line, rule_lines, substitution_lines
from vault_tui.strings import proposals as words
from vault_tui.widgets.quoting import hang, quoted
from vault_tui.widgets.words import plain

_LABEL = 12
_SIDE = 7
_INDENT = "    "
_NOTHINGS = frozenset((words.NOWHERE, words.NOTHING, words.NO_RULES))
_TEXTS = (("description", words.WHAT), ("obtain", words.OBTAIN), ("obtain_instructions", words.HOW))


def risk_lines(review: wire.ProposalReview, width: int) -> list[Content]:
    """One risk after another, the worst first."""
    if not review.risks:
        return [Content.styled(f"{_INDENT}{words.RISKS_NONE}", "$muted")]
    lines: list[Content] = []
    for risk in review.risks:
        glyph, word, style = words.LEVELS.get(risk.level, ("?", risk.level, ""))
        prefix = plain(f"{glyph:<3}{word:<8}", style)
        lines += hang(prefix, risk.text, width, style if risk.level == "high" else "")
    return lines


def change_lines(found: wire.Proposal, review: wire.ProposalReview, width: int) -> list[Content]:
    """Services, then credentials with what their slots need."""
    lines: list[Content] = []
    for service in review.services:
        lines += _service(service, width)
    slots = {slot.key: slot for slot in found.credentials}
    for credential in review.credentials:
        lines += _credential(credential, width)
        slot = slots.get(credential.key)
        if slot is not None and slot.action == "set":
            lines += _slot(slot, review, width)
    return lines


def asked_lines(found: wire.Proposal, width: int) -> list[Content]:
    """What was asked for, of one that is decided: its difference is history."""
    lines: list[Content] = []
    for service in found.services:
        name, host = str(service.get("name", "")), str(service.get("host", ""))
        lines += hang(_sign(str(service.get("action")), words.SERVICE), f"{name}  {host}", width)
    for slot in found.credentials:
        lines += hang(_sign(slot.action, words.CREDENTIAL), slot.key, width)
    return lines


def since(old: wire.ProposalReview, new: wire.ProposalReview) -> list[str]:
    """What is another between two reviews of one proposal, in sentences."""
    before = {one.name: one for one in old.services}
    said = [("service", one.name) for one in new.services if before.get(one.name) != one]
    goes = {one.key: one for one in old.credentials}
    said += [("credential", one.key) for one in new.credentials if goes.get(one.key) != one]
    known, present = {risk.text for risk in old.risks}, {risk.text for risk in new.risks}
    said += [("new", risk.text) for risk in new.risks if risk.text not in known]
    said += [("gone", risk.text) for risk in old.risks if risk.text not in present]
    return [words.SINCE[kind].format(name=name) for kind, name in said] or [words.SINCE["else"]]


def _sign(change: str, what: str) -> Content:
    sign, word, style = words.SIGNS.get(change, ("?", change, ""))
    return plain(f"{sign} {word} ", style) + Content.styled(f"{what} ", "$muted")


def _named(change: str, what: str, name: str, width: int) -> list[Content]:
    return hang(_sign(change, what), name, width, "bold")


def _label(text: str) -> Content:
    return Content(_INDENT) + plain(f"{text:<{_LABEL - 1}} ", "$muted", 40)


def _service(change: wire.ServiceChange, width: int) -> list[Content]:
    lines = _named(change.change, words.SERVICE, change.name, width)
    before, after = change.before, change.after
    fields = [one.field for one in change.fields if one.field != "name"]
    if before is None and after is not None and after.get("enabled"):
        fields.remove("enabled")
    if change.change == "added" and "rules" not in fields:
        fields.append("rules")
    for field in fields:
        label = _label(words.FIELDS.get(field, field))
        if before is None:
            lines += _several(label, [(text, "") for text in _said(field, after)], width)
        elif after is None:
            lines += _sides(label, _said(field, before), [words.NOTHING], width)
        else:
            lines += _sides(label, _said(field, before), _said(field, after), width)
    return lines


def _said(field: str, document: Mapping[str, Any] | None) -> list[str]:
    """A field of a service document, in the words of the services' screen."""
    found = document or {}
    if field == "auth":
        return [auth_line(found)]
    if field == "rules":
        return rule_lines(found) or [words.NO_RULES]
    if field == "substitutions":
        return substitution_lines(found) or [words.NOTHING]
    value = found.get(field, True if field in {"scrub", "enabled"} else None)
    if isinstance(value, bool):
        return [words.YES if value else words.NO]
    if value is None:
        return [words.NOTHING]
    return [_plain(value)]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _credential(change: wire.CredentialChange, width: int) -> list[Content]:
    moved = change.change == "unchanged" and change.hosts_before != change.hosts_after
    sign = "moved" if moved else change.change
    lines = _named(sign, words.CREDENTIAL, f"{change.key} ({change.type})", width)
    now, after = change.hosts_before or [words.NOWHERE], change.hosts_after or [words.NOWHERE]
    return [*lines, *_sides(_label(words.GOES_TO), now, after, width)]


def _slot(slot: wire.ProposedSlot, review: wire.ProposalReview, width: int) -> list[Content]:
    if slot.type == "oauth":
        needed = slot.key in review.needs_login
        said = words.LOGIN_NEEDED if needed else words.LOGIN_THERE
        lines = hang(_label(words.LOGIN), said, width, "$warning" if needed else "")
        for name, value in (slot.oauth or {}).items():
            several = isinstance(value, list) and all(isinstance(one, str) for one in value)
            text = " ".join(value) if several else _plain(value)
            lines += hang(_label(words.OAUTH_FIELDS.get(name, name)), text, width)
    else:
        needed = slot.key in review.needs_value
        kept = words.VALUE_AGENT if slot.has_value else words.VALUE_STAYS
        said = words.VALUE_NEEDED if needed else kept
        lines = hang(_label(words.VALUE), said, width, "$warning" if needed else "")
    for field, title in _TEXTS:
        text = getattr(slot, field)
        if text:
            lines += quoted(text, width, _label(title))
    return lines


def _sides(label: Content, now: Sequence[str], after: Sequence[str], width: int) -> list[Content]:
    """What is there now and what after; `-` and `+` mark what is not on the other side."""
    blank = Content(" " * label.cell_length)
    old, new = (Content.styled(f"{word:<{_SIDE}}", "$muted") for word in (words.NOW, words.AFTER))
    return [
        *_several(label + old, [_mark("-", text, after) for text in now], width),
        *_several(blank + new, [_mark("+", text, now) for text in after], width),
    ]


def _mark(sign: str, text: str, others: Sequence[str]) -> tuple[str, str]:
    """A text with its sign, and how it looks."""
    if text in others or text in _NOTHINGS:
        return f"  {text}", "$muted"
    return f"{sign} {text}", "bold"


def _several(prefix: Content, texts: Iterable[tuple[str, str]], width: int) -> list[Content]:
    """One text (and its style) a line, all behind the first one's place."""
    lines: list[Content] = []
    blank = Content(" " * prefix.cell_length)
    for text, style in texts:
        lines += hang(blank if lines else prefix, text, width, style)
    return lines
