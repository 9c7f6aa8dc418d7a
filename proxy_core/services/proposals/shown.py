"""Stored proposals as the API shows them. No value is at hand here."""

from typing import Any

from proxy_core.base.clock import rfc3339
from proxy_core.domain import wire
from proxy_core.domain.proposals import (
    Assessment,
    AuthorityDiff,
    CredentialSlot,
    Proposal,
    ServiceChange,
    Status,
    stored_proposal,
)
from proxy_core.domain.service import Service
from proxy_core.domain.service_document import service_document
from proxy_core.store.tables import ProposalRow


def status_of(row: ProposalRow, now: float) -> Status:
    """Where it stands: one whose time is over has expired, noted or not."""
    status = Status(row.status)
    return Status.EXPIRED if status is Status.PENDING and row.expires_at <= now else status


def raiser(row: ProposalRow) -> str:
    """Who raised it, for example `agent ci-bot`."""
    return f"{row.actor_type} {row.actor_name}".strip()


def summary(row: ProposalRow, vault: str, now: float) -> wire.ProposalSummary:
    """A row of a list."""
    proposal = stored_proposal(row.document)
    return wire.ProposalSummary(
        id=row.number,
        status=status_of(row, now).value,
        message=proposal.message,
        created_at=rfc3339(row.created_at),
        vault=vault,
        created_by=raiser(row),
        expires_at=rfc3339(row.expires_at),
        reviewed_at=_time(row.reviewed_at),
        services_count=len(proposal.services),
        credentials_count=len(proposal.slots),
    )


def described(row: ProposalRow, vault: str, now: float) -> wire.Proposal:
    """All of it, as its agent may see it."""
    proposal = stored_proposal(row.document)
    return wire.Proposal(
        id=row.number,
        status=status_of(row, now).value,
        vault=vault,
        services=[_service(change) for change in proposal.services],
        credentials=[_slot(slot) for slot in proposal.slots],
        message=proposal.message,
        user_message=proposal.user_message,
        review_note=row.review_note,
        reviewed_at=_time(row.reviewed_at),
        created_at=rfc3339(row.created_at),
        expires_at=rfc3339(row.expires_at),
        created_by=raiser(row),
    )


def risks(assessment: Assessment) -> list[wire.ProposalRisk]:
    """The worst first."""
    return [
        wire.ProposalRisk(
            level=risk.level.name.lower(), code=risk.code, about=risk.about, text=risk.text
        )
        for risk in assessment.risks
    ]


def service_changes(difference: AuthorityDiff) -> list[wire.ServiceChange]:
    """Service by service."""
    return [
        wire.ServiceChange(
            name=one.name,
            change=one.change.value,
            before=_document(one.before),
            after=_document(one.after),
            fields=[
                wire.FieldChange(field=name, before=old, after=new) for name, old, new in one.fields
            ],
        )
        for one in difference.services
    ]


def credential_changes(difference: AuthorityDiff) -> list[wire.CredentialChange]:
    """Credential by credential."""
    return [
        wire.CredentialChange(
            key=one.key,
            change=one.change.value,
            type=one.type,
            hosts_before=list(one.hosts_before),
            hosts_after=list(one.hosts_after),
        )
        for one in difference.credentials
    ]


def asked_of(proposal: Proposal) -> dict[str, list[str]]:
    """Names alone, for events."""
    return {
        "services": [change.name for change in proposal.services],
        "credentials": [slot.key for slot in proposal.slots],
    }


def _service(change: ServiceChange) -> dict[str, Any]:
    return {"action": change.action.value, "name": change.name, **change.document}


def _slot(slot: CredentialSlot) -> wire.ProposedSlot:
    return wire.ProposedSlot(
        action=slot.action.value,
        key=slot.key,
        type=slot.type,
        has_value=slot.has_value,
        description=slot.description,
        obtain=slot.obtain,
        obtain_instructions=slot.obtain_instructions,
        oauth=None if slot.oauth is None else dict(slot.oauth),
    )


def _document(service: Service | None) -> dict[str, Any] | None:
    return None if service is None else service_document(service)


def _time(moment: float | None) -> str:
    return "" if moment is None else rfc3339(moment)
