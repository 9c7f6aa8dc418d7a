"""Proposals of agents that may use some of a vault's services only.

They may propose what is new and change what they have; the rest of the vault is not theirs to ask
for by the way. What is approved for them is added to their grant: else it would serve them nothing.
"""

from collections.abc import Sequence

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.proposals import Authority, ItemAction, Proposal, effect
from proxy_core.domain.service_document import credential_keys
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Snapshot, VaultEntry
from proxy_core.store.tables import ProposalRow


def check_within(
    context: Context, entry: VaultEntry, authority: Authority, proposal: Proposal, by: Principal
) -> None:
    """Raises VaultError: service_not_granted, for a service or credential outside the grant."""
    granted = context.granted(by.token_sha256, entry)
    if granted is None:
        return
    names = {service.name for service in entry.compiled.services} - granted
    for change in proposal.services:
        if change.name in names:
            raise _outside("service", change.name)
    keys = set(entry.keys).difference(entry.keys_of(granted))
    for key in _keys(proposal, effect(proposal, authority)):
        if key in keys:
            raise _outside("credential", key)


def sees(context: Context, entry: VaultEntry, row: ProposalRow, by: Principal | None) -> bool:
    """Whether a proposal is shown: those of others name what a limited token may not use."""
    limited = by is not None and context.granted(by.token_sha256, entry) is not None
    return by is None or not limited or row.actor_id == by.id


def widening(snapshot: Snapshot, row: ProposalRow, proposal: Proposal) -> tuple[str, ...]:
    """The services that an approval would add to the grant of the agent that raised it."""
    bearer = snapshot.agent(row.actor_id)
    granted = None if bearer is None else bearer.services.get(row.vault_id)
    if granted is None:
        return ()
    wanted = [one.name for one in proposal.services if one.action is ItemAction.SET]
    return tuple(name for name in wanted if name not in granted)


def note_widening(
    snapshot: Snapshot, row: ProposalRow, proposal: Proposal, found: wire.ProposalReview
) -> None:
    """Tell whoever reviews a proposal what its agent gets besides."""
    for name in widening(snapshot, row, proposal):
        found.grants.append(name)
        text = f"service {name} is added to the grant of {row.actor_name}, which names services"
        risk = wire.ProposalRisk(level="low", code="grant_widened", about=name, text=text)
        found.risks.append(risk)


def _keys(proposal: Proposal, after: Authority) -> Sequence[str]:
    """The credentials that a proposal sets, deletes or lets its services use."""
    keys = [slot.key for slot in proposal.slots]
    for change in proposal.services:
        service = after.named(change.name)
        if service is not None and change.action is ItemAction.SET:
            keys += credential_keys(service)
    return keys


def _outside(what: str, name: str) -> VaultError:
    return VaultError(
        "service_not_granted",
        f"There is a {what} {name} in the vault that this token may not use, and so not propose.",
    )
