"""Proposals: raised and followed by agents, reviewed and decided by operators."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody

from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.principal import Permission
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.uses import UseApp, UseCaller, UseFacts

_VAULT_HEADER = Annotated[str | None, HeaderParameter(name="X-Vault", required=False)]
_ONE = "/v1/admin/proposals/{number:int}"
_REVIEW = needs(Permission.REVIEW_PROPOSALS, "query")
_DECIDE = needs(Permission.DECIDE_PROPOSALS, "body")


@post("/v1/proposals", status_code=201, responses=change_fails(401, 404, 429))
async def create_proposal(
    app: UseApp,
    caller: UseCaller,
    facts: UseFacts,
    data: JSONBody[wire.CreateProposal],
    x_vault: _VAULT_HEADER = None,
    vault: FromQuery[str | None] = None,
) -> wire.ProposalCreated:
    """Ask for services and credentials; X-Vault names the vault where the token has several."""
    name = _vault(app, caller, Permission.CREATE_PROPOSALS, x_vault or vault)
    return await app.proposals.create(name, data, caller.known(), facts.base_url)


@get("/v1/proposals", responses=fails(401, 404, 503))
async def list_proposals(
    app: UseApp,
    caller: UseCaller,
    x_vault: _VAULT_HEADER = None,
    vault: FromQuery[str | None] = None,
    status: FromQuery[str] = "",
) -> wire.ProposalList:
    """A vault's proposals, newest first; of one status when given."""
    name = _vault(app, caller, Permission.READ_PROPOSALS, x_vault or vault)
    return await app.proposals.list(name, status, caller.known())


@get("/v1/proposals/{number:int}", responses=fails(401, 404, 503))
async def get_proposal(
    app: UseApp,
    caller: UseCaller,
    number: FromPath[int],
    x_vault: _VAULT_HEADER = None,
    vault: FromQuery[str | None] = None,
    wait: FromQuery[int] = 0,
) -> wire.Proposal:
    """One proposal; with `wait` (seconds, at most 60) as soon as it is decided."""
    name = _vault(app, caller, Permission.READ_PROPOSALS, x_vault or vault)
    return await app.proposals.get(name, number, wait, caller.known())


# The parameter is named `id` by the address that people are given.
@get("/v1/proposals/approve-details", responses=fails(401, 503))
async def approve_details(
    app: UseApp,
    token: FromQuery[str],
    id: FromQuery[int],
) -> wire.ReviewedProposal:
    """What the holder of an approval's address may read; it decides nothing."""
    return await app.proposals.details(token, id)


@get("/v1/admin/proposals", opt=_REVIEW, responses=fails(401, 404, 503))
async def admin_list(
    app: UseApp, vault: FromQuery[str] = DEFAULT_VAULT, status: FromQuery[str] = ""
) -> wire.ProposalInbox:
    """A vault's proposals, newest first, with how dangerous those that wait are."""
    return await app.proposal_inbox.read(vault, status)


@get(_ONE, opt=_REVIEW, responses=fails(401, 404, 503))
async def admin_get(
    app: UseApp, number: FromPath[int], vault: FromQuery[str] = DEFAULT_VAULT
) -> wire.ReviewedProposal:
    """One proposal; while it is pending, with what it would change and how dangerous that is."""
    return await app.proposals.reviewed(vault, number)


@post(f"{_ONE}/approve", status_code=200, opt=_DECIDE, responses=change_fails(401, 404, 409, 502))
async def approve_proposal(
    app: UseApp,
    caller: UseCaller,
    number: FromPath[int],
    data: JSONBody[wire.ApproveProposal | None] = None,
) -> wire.ProposalDecided:
    """Carry a proposal out, whole or not at all; with `digest` only if it is what was reviewed."""
    data = data or wire.ApproveProposal()
    by = caller.authorize(Permission.DECIDE_PROPOSALS, data.vault)
    return await app.deciding.approve(number, data, by)


@post(f"{_ONE}/reject", status_code=200, opt=_DECIDE, responses=change_fails(401, 404, 409))
async def reject_proposal(
    app: UseApp,
    caller: UseCaller,
    number: FromPath[int],
    data: JSONBody[wire.RejectProposal | None] = None,
) -> wire.ProposalDecided:
    """Refuse a proposal; its agent gets to read the reason."""
    data = data or wire.RejectProposal()
    by = caller.authorize(Permission.DECIDE_PROPOSALS, data.vault)
    return await app.deciding.reject(number, data, by)


@post(
    f"{_ONE}/reveal",
    status_code=200,
    opt=needs(Permission.REVEAL_CREDENTIALS, "body"),
    responses=change_fails(401, 404, 502),
)
async def reveal_proposed(
    app: UseApp, caller: UseCaller, number: FromPath[int], data: JSONBody[wire.RevealProposed]
) -> wire.RevealedValue:
    """A value that the agent supplied with a proposal; announced."""
    by = caller.authorize(Permission.REVEAL_CREDENTIALS, data.vault)
    return await app.proposals.reveal(number, data, by)


def _vault(app: UseApp, caller: Caller, permission: Permission, named: str | None) -> str:
    """The vault that a token is about. Raises VaultError: unauthorized, vault_required, …"""
    name = named or app.discoveries.only_vault(caller.known())
    caller.authorize(permission, name)
    return name


HANDLERS = (
    create_proposal,
    list_proposals,
    approve_details,
    get_proposal,
    admin_list,
    admin_get,
    approve_proposal,
    reject_proposal,
    reveal_proposed,
)
