"""The page behind a proposal's `approval_url`: what it would change, and a form to decide it.

Whoever has the address may look, as `approve-details` lets them; to decide, they sign in. Nothing
here needs scripts. A form counts only with the token that was made for its browser's cookie, and
an approval only with the digest of the difference that was shown.
"""

from functools import partial
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.services.principal import Permission, Principal
from proxy_core.worker.browsing import new_cookie
from proxy_core.worker.forms import check_typed, given_values
from proxy_core.worker.pages import page, render
from proxy_core.worker.uses import UseApp, UseFacts
from proxy_core.worker.visits import PATH, Ask, Visit, acted, posted

_LABEL = "approval page"


def _as_page(_request: Ask, error: VaultError) -> Response[str]:
    """Litestar's handler for what the pages raise."""
    if error.code == "unauthorized":
        text = (
            "It is wrong, or it was made more than a day ago. "
            "The console and `vault-tui proposal list` show what waits."
        )
        return page(404, "This address is not valid any more", text)
    return page(error.status, error.kind.title, f"{error} {error.kind.help}")


_HANDLES: Any = {VaultError: _as_page}

shown = partial(
    get,
    media_type="text/html",
    exception_handlers=_HANDLES,
    include_in_schema=False,
)
"""The route of a page for people."""
sent = partial(
    post,
    status_code=200,
    media_type="text/html",
    exception_handlers=_HANDLES,
    include_in_schema=False,
)
"""The route of such a page's form."""


@shown(f"{PATH}/{{number:int}}")
async def show(
    app: UseApp,
    facts: UseFacts,
    request: Ask,
    number: FromPath[int],
    token: FromQuery[str] = "",
    vault: FromQuery[str] = "",
) -> Response[str]:
    """The proposal, and what this browser's user may do about it."""
    visit = await Visit(app, facts, request, number, token, vault).met()
    if visit.is_new and request.headers.get("sec-fetch-site") == "cross-site":
        # By a link from another site the browser keeps the cookie back, and to give it a new one
        # would sign its user out. Opened once more, by this page, it sends what it has.
        return render("again.html", title="Opening the proposal")
    return await visit.show()


@sent(f"{PATH}/{{number:int}}")
async def decide(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Carry the proposal out, or refuse it."""
    return await acted(app, facts, request, number, Permission.DECIDE_PROPOSALS, _decide)


@sent(f"{PATH}/{{number:int}}/sign-in")
async def sign_in(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Sign this browser in, under a new cookie."""
    return await posted(app, facts, request, number, _sign_in)


async def _sign_in(visit: Visit, form: dict[str, str]) -> Response[str]:
    app, email, password = visit.app, form.get("email", ""), form.get("password", "")
    if visit.address:  # a wrong one is nothing to sign in for
        await app.proposals.details(visit.address, visit.number)
    try:
        signed_in = await app.users.signing_in.login_page(email, password, visit.client, _LABEL)
    except VaultError as error:
        return await visit.show(error.status, complaint=f"{error} {_patience(error)}".rstrip())
    if visit.user is not None:
        await app.users.sessions.logout(visit.user)
    return visit.back([visit.set_cookie(signed_in.token)])


@sent(f"{PATH}/{{number:int}}/sign-out")
async def sign_out(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Sign this browser out, and end its user's session."""
    return await posted(app, facts, request, number, _sign_out)


async def _sign_out(visit: Visit, _form: dict[str, str]) -> Response[str]:
    if visit.user is not None:
        await visit.app.users.sessions.logout(visit.user)
    return visit.back([visit.set_cookie(new_cookie())])


async def _decide(
    visit: Visit, by: Principal, found: wire.ReviewedProposal, form: dict[str, str]
) -> None:
    """What the form asks for. Raises VaultError as `Deciding` does."""
    app = visit.app
    if form.get("action") == "deny":
        reason = form.get("reason", "").replace("\r\n", "\n")
        await app.deciding.reject(found.id, wire.RejectProposal(found.vault, reason), by)
        return
    digest = form.get("digest", "")
    if form.get("action") != "allow" or not digest:
        raise VaultError("bad_request", "The form could not be read.")
    if found.review is not None and digest == found.review.digest:
        check_typed(form, found.review)
    values = given_values(form)
    await app.deciding.approve(found.id, wire.ApproveProposal(found.vault, values, digest), by)


def _patience(error: VaultError) -> str:
    return f"Wait {error.retry_after} seconds." if error.retry_after else ""


HANDLERS = (show, decide, sign_in, sign_out)
