"""A proposal as lines of text. Whatever its agent wrote is a quotation, and steers no terminal."""

import json
from collections.abc import Iterator
from typing import Any

from proxy_core.base.text import display_safe
from proxy_core.domain.wire import (
    CredentialChange,
    Proposal,
    ProposalReview,
    ProposedSlot,
    ReviewedProposal,
    ServiceChange,
)
from vault_tui.cli import output

MASK = "••••••••"
_LINE_LIMIT = 400
_MOST_LINES = 60
_SIGNS = {"added": "+", "changed": "~", "removed": "-", "unchanged": "="}
_STYLES = {"high": "red", "medium": "yellow"}


def show(found: Proposal) -> None:
    """Print a proposal, and while it is pending what it would change."""
    _head(found)
    review = found.review if isinstance(found, ReviewedProposal) else None
    if review is None:
        for slot in found.credentials:
            _slot(slot)
        for service in found.services:
            name, action = output.safe(service.get("name")), output.safe(service.get("action"))
            output.emit(f"  {action} service {name}  {output.safe(service.get('host'))}")
        return
    if review.problem:
        output.emit(output.styled(f"cannot be applied: {_one(review.problem)}", "red"))
        return
    _review(found, review)


def quoted(text: str) -> Iterator[str]:
    """A text from outside, line by line behind a bar, safe for a terminal."""
    lines = text.splitlines()
    for line in lines[:_MOST_LINES]:
        yield f"  │ {display_safe(line, _LINE_LIMIT)}".rstrip()
    if len(lines) > _MOST_LINES:
        yield f"  │ … {len(lines) - _MOST_LINES} more lines"


def _head(found: Proposal) -> None:
    output.emit_fields(
        [
            ("proposal", f"{found.id} of vault {found.vault}"),
            ("status", found.status),
            ("by", found.created_by),
            ("created", found.created_at),
            ("expires", found.expires_at if found.status == "pending" else ""),
            ("decided", found.reviewed_at),
        ]
    )
    for title, text in (
        ("reason", found.review_note),
        ("message", found.message),
        ("for you", found.user_message),
    ):
        if text:
            output.emit(f"{title}:")
            for line in quoted(text):
                output.emit(line)


def _review(found: Proposal, review: ProposalReview) -> None:
    output.emit(output.styled("what would change", "bold"))
    for service in review.services:
        _service(service)
    slots = {slot.key: slot for slot in found.credentials}
    for credential in review.credentials:
        _credential(credential)
        if credential.key in slots:
            _slot(slots[credential.key])
    for title, keys in (
        ("values needed", review.needs_value),
        ("logins needed", review.needs_login),
    ):
        if keys:
            output.emit(f"{title}: {output.safe(keys)}")
    output.emit(output.styled(f"risk: {_one(review.level)}", _STYLES.get(review.level, "bold")))
    for risk in review.risks:
        line = f"  {_one(risk.level):<6}  {_one(risk.text)}"
        output.emit(output.styled(line, _STYLES.get(risk.level, "")))


def _service(change: ServiceChange) -> None:
    output.emit(f"  {_SIGNS.get(change.change, '?')} service {_one(change.name)}")
    for field in change.fields:
        if change.before is not None and change.after is not None:
            output.emit(f"      {_one(field.field)}: {_json(field.before)} → {_json(field.after)}")
        else:
            value = field.before if change.after is None else field.after
            output.emit(f"      {_one(field.field)}: {_json(value)}")


def _credential(change: CredentialChange) -> None:
    sign = _SIGNS.get(change.change, "?")
    before, after = output.safe(change.hosts_before), output.safe(change.hosts_after)
    went = after if before == after or change.change == "added" else f"{before} → {after}"
    output.emit(f"  {sign} credential {_one(change.key)} ({_one(change.type)})  goes to: {went}")


def _slot(slot: ProposedSlot) -> None:
    if slot.has_value:
        output.emit(f"      value: {MASK} (the agent's)")
    for title, text in (
        ("what", slot.description),
        ("get it", slot.obtain),
        ("how", slot.obtain_instructions),
    ):
        if text:
            output.emit(f"      {title}:")
            for line in quoted(text):
                output.emit(f"    {line}")
    if slot.oauth is not None:
        output.emit(f"      login: {_json(slot.oauth)}")


def _json(value: Any) -> str:
    return "none" if value is None else _one(json.dumps(value, ensure_ascii=False))


def _one(text: str) -> str:
    return display_safe(text, _LINE_LIMIT)
