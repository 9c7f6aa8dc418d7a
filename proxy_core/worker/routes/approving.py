"""The page behind a proposal's `approval_url`: what it would change, and a form to decide it.

Whoever has the address may look, as `approve-details` lets them; to decide, they sign in. Nothing
here needs scripts. A form counts only with the token that was made for its browser's cookie, and
an approval only with the digest of the difference that was shown.
"""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie, State
from litestar.params import FromPath, FromQuery

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.proposals.proposal import MAX_REASON
from proxy_core.services.application import Application
from proxy_core.services.principal import Permission, Principal, authorize
from proxy_core.worker import reviewed
from proxy_core.worker.browsing import Browsers
from proxy_core.worker.facts import WorkerFacts
from proxy_core.worker.forms import check_typed, given_values, parse_form
from proxy_core.worker.pages import moment, page, render
from proxy_core.worker.uses import UseApp, UseFacts

PATH = "/approve"
_LABEL = "approval page"
_TITLES = {"low": "Allow this?", "medium": "Allow this?", "high": "Allow this? Look twice"}
_STALE_FORM = (
    "This form was out of date, or this browser keeps no cookies. Nothing was done; try again."
)
_CHANGED = (
    "The vault was changed since this was shown, and nothing was done. It would change this now:"
)
_ENDS = {"applied": "Allowed", "rejected": "Denied", "expired": "Nobody decided in time"}

Ask = Request[Any, Any, State]


class _Visit:
    """One request of a browser: which proposal it is about, and who is signed in there."""

    def __init__(
        self, app: Application, facts: WorkerFacts, request: Ask, number: int, address: str
    ) -> None:
        self._app = app
        self.browsers: Browsers = request.app.state.browsers
        self.number = number
        self.address = address
        """The token of the approval's address."""
        self.is_secure = facts.base_url.startswith("https://")
        self.cookie_name = ("__Secure-" if self.is_secure else "") + "vault-tui-approve"
        self.cookie = request.cookies.get(self.cookie_name, "")
        self.is_new = not self.cookie
        if self.is_new:
            self.cookie = self.browsers.new_cookie()

    @property
    def user_token(self) -> str:
        """Of the user who is signed in; else empty."""
        return self.browsers.token(self.cookie)

    @property
    def user(self) -> Principal | None:
        """Who is signed in, as of now."""
        token = self.user_token
        try:
            return self._app.identity.of_bearer(token) if token else None
        except VaultError:
            self.browsers.sign_out(self.cookie)
            return None

    def cookies(self) -> list[Cookie]:
        """What an answer sets."""
        return [self.set_cookie(self.cookie)] if self.is_new else []

    def set_cookie(self, value: str) -> Cookie:
        """For these pages alone, out of reach of scripts and of other sites."""
        return Cookie(
            key=self.cookie_name,
            value=value,
            path=PATH,
            httponly=True,
            secure=self.is_secure,
            samesite="strict",
        )

    async def show(
        self, status: int = 200, *, complaint: str = "", notice: str = ""
    ) -> Response[str]:
        """The proposal as it is now. Raises VaultError: unauthorized for a wrong address."""
        found = await self._app.proposals.details(self.address, self.number)
        user = self.user
        if user is not None and _may(user, Permission.REVIEW_PROPOSALS, found.vault):
            found = await self._app.proposals.reviewed(found.vault, self.number)
        review = found.review
        return render(
            "approval.html",
            status,
            cookies=self.cookies(),
            title=_title(found),
            proposal=found,
            review=review,
            ended=_ended(found),
            services=reviewed.services(review) if review else [],
            credentials=reviewed.credentials(found, review) if review else [],
            user=user.name if user else "",
            may_decide=user is not None and _may(user, Permission.DECIDE_PROPOSALS, found.vault),
            complaint=complaint,
            notice=notice,
            most_reason=MAX_REASON,
            form={"address": self.address, "token": self.browsers.form_token(self.cookie)},
        )

    def back(self, cookies: list[Cookie] | None = None) -> Response[str]:
        """To the page, by GET: loading it again shall send nothing twice."""
        location = f"{PATH}/{self.number}?token={quote(self.address, safe='')}"
        headers = {"Location": location, "Cache-Control": "no-store"}
        return Response(
            "", status_code=303, headers=headers, cookies=cookies or [], media_type="text/html"
        )


def _as_page(_request: Ask, error: VaultError) -> Response[str]:
    """Litestar's handler for what the pages raise."""
    if error.code == "unauthorized":
        text = (
            "It is wrong, or it was made more than a day ago. "
            "The console and `vault-tui proposal list` show what waits."
        )
        return page(404, "This address is not valid any more", text)
    return page(error.status, error.kind.title, f"{error} {error.kind.help}")


_HANDLERS: Any = {VaultError: _as_page}


@get(
    f"{PATH}/{{number:int}}",
    media_type="text/html",
    exception_handlers=_HANDLERS,
    include_in_schema=False,
)
async def show(
    app: UseApp,
    facts: UseFacts,
    request: Ask,
    number: FromPath[int],
    token: FromQuery[str] = "",
) -> Response[str]:
    """The proposal, and what this browser's user may do about it."""
    visit = _Visit(app, facts, request, number, token)
    if visit.is_new and request.headers.get("sec-fetch-site") == "cross-site":
        # By a link from another site the browser keeps the cookie back, and to give it a new one
        # would sign its user out. Opened once more, by this page, it sends what it has.
        return render("again.html", title="Opening the proposal")
    return await visit.show()


@post(
    f"{PATH}/{{number:int}}",
    status_code=200,
    media_type="text/html",
    exception_handlers=_HANDLERS,
    include_in_schema=False,
)
async def decide(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Carry the proposal out, or refuse it."""
    visit, form = await _form(app, facts, request, number)
    user = visit.user
    if user is None or not visit.browsers.is_own_form(visit.cookie, form.get("form", "")):
        return await visit.show(403, complaint=_STALE_FORM)
    found = await app.proposals.details(visit.address, number)
    try:
        authorize(user, Permission.DECIDE_PROPOSALS, found.vault)
        app.users.sessions.prolong(visit.user_token)
        await _carry_out(app, found, form, user)
    except VaultError as error:
        if error.code == "conflict" and "review" in error.extra:
            return await visit.show(error.status, notice=_CHANGED)
        return await visit.show(error.status, complaint=str(error))
    return visit.back()


@post(
    f"{PATH}/{{number:int}}/sign-in",
    status_code=200,
    media_type="text/html",
    exception_handlers=_HANDLERS,
    include_in_schema=False,
)
async def sign_in(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Sign this browser in, under a new cookie."""
    visit, form = await _form(app, facts, request, number)
    if not visit.browsers.is_own_form(visit.cookie, form.get("form", "")):
        return await visit.show(403, complaint=_STALE_FORM)
    await app.proposals.details(visit.address, number)  # or there is nothing to sign in for
    client = request.client.host if request.client else ""
    try:
        signed_in = await app.users.login(
            form.get("email", ""), form.get("password", ""), client, _LABEL
        )
    except VaultError as error:
        return await visit.show(error.status, complaint=f"{error} {_patience(error)}".rstrip())
    cookie, left = visit.browsers.sign_in(signed_in.token)
    for token in left:
        await _end(app, token)
    return visit.back([visit.set_cookie(cookie)])


@post(
    f"{PATH}/{{number:int}}/sign-out",
    status_code=200,
    media_type="text/html",
    exception_handlers=_HANDLERS,
    include_in_schema=False,
)
async def sign_out(
    app: UseApp, facts: UseFacts, request: Ask, number: FromPath[int]
) -> Response[str]:
    """Sign this browser out, and end its user's session."""
    visit, form = await _form(app, facts, request, number)
    if not visit.browsers.is_own_form(visit.cookie, form.get("form", "")):
        return await visit.show(403, complaint=_STALE_FORM)
    token = visit.user_token
    visit.browsers.sign_out(visit.cookie)
    if token:
        await _end(app, token)
    return visit.back([visit.set_cookie(visit.browsers.new_cookie())])


async def _form(
    app: Application, facts: WorkerFacts, request: Ask, number: int
) -> tuple[_Visit, dict[str, str]]:
    form = parse_form(await request.body())
    return _Visit(app, facts, request, number, form.get("token", "")), form


async def _carry_out(
    app: Application, found: wire.ReviewedProposal, form: dict[str, str], by: Principal
) -> None:
    """What the form asks for. Raises VaultError as `Deciding` does."""
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


async def _end(app: Application, token: str) -> None:
    """End a user's session that a browser has left."""
    user = app.users.sessions.of_token(token)
    if user is not None:
        await app.users.sessions.logout(user)


def _may(user: Principal, permission: Permission, vault: str) -> bool:
    try:
        authorize(user, permission, vault)
    except VaultError:
        return False
    return True


def _patience(error: VaultError) -> str:
    return f"Wait {error.retry_after} seconds." if error.retry_after else ""


def _title(found: wire.ReviewedProposal) -> str:
    if found.review is not None:
        return _TITLES.get(found.review.level, "Allow this?")
    return _ENDS.get(found.status, found.status)


def _ended(found: wire.ReviewedProposal) -> str:
    word = _ENDS.get(found.status, found.status)
    by = f" by {found.reviewed_by}" if found.reviewed_by else ""
    when = f", {moment(found.reviewed_at)}" if found.reviewed_at else ""
    return f"{word}{by}{when}."


HANDLERS = (show, decide, sign_in, sign_out)
