"""A reviewed proposal as a page shows it: values become lines, all of them, none cut short."""

import json
from dataclasses import dataclass
from typing import Any

from proxy_core.domain import wire

_WORDS = {"added": "new", "changed": "changes", "removed": "is deleted", "unchanged": "stays"}
_SIGNS = {"added": "+", "changed": "~", "removed": "−", "unchanged": "="}  # noqa: RUF001 - a minus


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of a service, in lines; empty where there is none."""

    name: str
    before: list[str]
    after: list[str]


@dataclass(frozen=True, slots=True)
class ShownService:
    """One service. `is_changed`: it has both a before and an after."""

    sign: str
    word: str
    change: str
    name: str
    is_changed: bool
    fields: list[ShownField]


@dataclass(frozen=True, slots=True)
class ShownCredential:
    """One credential, and what the proposal asks of it. `input`: none, needed or optional."""

    sign: str
    word: str
    change: str
    key: str
    type: str
    hosts_before: list[str]
    hosts_after: list[str]
    slot: wire.ProposedSlot | None
    description: list[str]
    obtain: list[str]
    instructions: list[str]
    login: list[str]
    input: str
    needs_login: bool


def services(review: wire.ProposalReview) -> list[ShownService]:
    """What the proposal does to services."""
    return [
        ShownService(
            sign=_SIGNS.get(one.change, "?"),
            word=_WORDS.get(one.change, one.change),
            change=one.change,
            name=one.name,
            is_changed=one.before is not None and one.after is not None,
            fields=[
                ShownField(field.field, _lines(field.before), _lines(field.after))
                for field in one.fields
            ],
        )
        for one in review.services
    ]


def credentials(found: wire.ReviewedProposal, review: wire.ProposalReview) -> list[ShownCredential]:
    """What it does to credentials, and where they go."""
    slots = {slot.key: slot for slot in found.credentials}
    return [_credential(one, slots.get(one.key), review) for one in review.credentials]


def text_lines(text: str) -> list[str]:
    """A text from outside, line by line."""
    return text.splitlines()


def _credential(
    change: wire.CredentialChange, slot: wire.ProposedSlot | None, review: wire.ProposalReview
) -> ShownCredential:
    takes_value = slot is not None and slot.action == "set" and slot.type == "static"
    needed = change.key in review.needs_value
    # Its value stays, and yet something is new about it: who gets to see it.
    moved = change.change == "unchanged" and change.hosts_before != change.hosts_after
    kind = "changed" if moved else change.change
    return ShownCredential(
        sign=_SIGNS.get(kind, "?"),
        word="goes elsewhere" if moved else _WORDS.get(kind, kind),
        change=kind,
        key=change.key,
        type=change.type,
        hosts_before=change.hosts_before,
        hosts_after=change.hosts_after,
        slot=slot,
        description=text_lines(slot.description) if slot else [],
        obtain=text_lines(slot.obtain) if slot else [],
        instructions=text_lines(slot.obtain_instructions) if slot else [],
        login=_lines(slot.oauth) if slot and slot.oauth else [],
        input=("needed" if needed else "optional") if takes_value else "",
        needs_login=change.key in review.needs_login,
    )


def _lines(value: Any) -> list[str]:
    """A value of a document: an item or a field a line."""
    if value is None:
        return []
    if isinstance(value, list):
        return [_json(item) for item in value] or ["none"]
    if isinstance(value, dict):
        return [f"{name}: {_json(item)}" for name, item in value.items()]
    return [value if isinstance(value, str) else _json(value)]


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
