"""Logins of a proposal's OAuth slots, begun and completed on its approval page, without scripts.

The form leads back to the page, which then shows a link to the provider: browsers let no form go to
another site under our policy, and a person sees where it leads. From there the provider sends the
browser to the API's callback, and that one back to the page; whatever ends elsewhere is pasted.
"""

from litestar import Response
from litestar.params import FromPath

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.principal import Permission, Principal
from proxy_core.worker.page_logins import login_request
from proxy_core.worker.routes.approving import sent, shown
from proxy_core.worker.uses import UseApp, UseFacts
from proxy_core.worker.visits import PATH, Ask, Visit, acted, see_other


@sent(f"{PATH}/{{number:int}}/connect")
async def connect(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Begin a login; the page then says how to go on."""
    return await acted(app, facts, request, number, Permission.CHANGE_CREDENTIALS, _connect)


async def _connect(
    visit: Visit, user: Principal, found: wire.ReviewedProposal, form: dict[str, str]
) -> None:
    if found.review is None:
        raise VaultError("conflict", f"Proposal {found.id} is {found.status} already.")
    asked = login_request(found, form)
    if asked.key not in found.review.needs_login:  # or the vault's own would be replaced unseen
        raise VaultError("conflict", f"{asked.key} does not have to be connected (any more).")
    earlier = visit.app.flows.own(user, found.vault).get(asked.key)
    if earlier is not None:
        await visit.app.flows.cancel(earlier)
    await visit.app.connecting.credential(asked, user, visit.place)


@sent(f"{PATH}/{{number:int}}/complete")
async def complete(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Complete a login with what the person has pasted."""
    return await acted(app, facts, request, number, Permission.CHANGE_CREDENTIALS, _complete)


async def _complete(
    visit: Visit, user: Principal, found: wire.ReviewedProposal, form: dict[str, str]
) -> None:
    flow = visit.app.flows.own(user, found.vault).get(form.get("key", ""))
    if flow is None or flow.id != form.get("flow"):
        raise VaultError("not_found", "That login is not under way any more: begin again.")
    await visit.app.flows.complete(flow, form.get("pasted", "").strip())


@shown(f"{PATH}/back/{{flow_id:str}}")
async def go_on(
    app: UseApp, facts: UseFacts, request: Ask, flow_id: FromPath[str]
) -> Response[str]:
    """From a login's end to the proposal, for the person who began it."""
    flow = app.flows.get(flow_id)
    user = (await Visit(app, facts, request).met()).user
    if user is None or user.id != flow.by.id or not flow.return_to:
        raise VaultError("not_found", "This login was begun elsewhere.")
    return see_other(flow.return_to)


HANDLERS = (connect, complete, go_on)
