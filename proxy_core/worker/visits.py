"""One request of a person's browser to the page of a proposal: whose it is, and what it is shown.

A form counts only with the token that was made for its browser's cookie.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeAlias
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import Cookie, State

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.names import is_slug
from proxy_core.domain.proposals.proposal import MAX_REASON
from proxy_core.services.application import Application
from proxy_core.services.audit.acting import act_as_user
from proxy_core.services.principal import Permission, Principal, authorize
from proxy_core.worker import reviewed
from proxy_core.worker.browsing import form_token, is_own_form, new_cookie
from proxy_core.worker.facts import WorkerFacts
from proxy_core.worker.forms import parse_form
from proxy_core.worker.origins import note_refusal
from proxy_core.worker.page_logins import logins_of
from proxy_core.worker.pages import moment, render

PATH = "/approve"
_TITLES = {"low": "Allow this?", "medium": "Allow this?", "high": "Allow this? Look twice"}
_ENDS = {"applied": "Allowed", "rejected": "Denied", "expired": "Nobody decided in time"}
_STALE_FORM = (
    "This form was out of date, or this browser keeps no cookies. Nothing was done; try again."
)
_CHANGED = (
    "The vault was changed since this was shown, and nothing was done. It would change this now:"
)

Ask = Request[Any, Any, State]


class Visit:
    """One request of a browser: which proposal it is about, and, once `met`, who is signed in."""

    def __init__(
        self,
        app: Application,
        facts: WorkerFacts,
        request: Ask,
        number: int = 0,
        address: str = "",
        vault: str = "",
    ) -> None:
        self.app = app
        self.number = number
        self.address = address
        """The token of the approval's address; without one its user has to be of the vault."""
        self.vault = vault
        self.client = request.client.host if request.client else ""
        """Where the browser is."""
        self.is_secure = facts.base_url.startswith("https://")
        self.cookie_name = ("__Secure-" if self.is_secure else "") + "vault-tui-approve"
        self.cookie = request.cookies.get(self.cookie_name, "")
        self.is_new = not self.cookie
        if self.is_new:
            self.cookie = new_cookie()
        self.user: Principal | None = None
        """Who is signed in."""

    async def met(self) -> Self:
        """Look the user up, who acts from here on. Raises VaultError: database_unavailable."""
        self.user = await self.app.users.pages.user(self.cookie)
        if self.user is not None:
            act_as_user(self.user.kind.value, self.user.name, self.user.id)
        return self

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

    async def found(self) -> wire.ReviewedProposal:
        """The proposal, for who has its address, or may review what its vault's agents propose.

        Raises VaultError: unauthorized, not_found.
        """
        if self.address or not self.vault:
            return await self.app.proposals.details(self.address, self.number)
        if not self.is_of_vault:
            raise VaultError("unauthorized")
        return await self.app.proposals.reviewed(self.vault, self.number)

    @property
    def is_of_vault(self) -> bool:
        """Whether the user may see the proposals of the vault that the address names."""
        return self.user is not None and _may(self.user, Permission.REVIEW_PROPOSALS, self.vault)

    def show_entry(self, status: int = 200, *, complaint: str = "") -> Response[str]:
        """Nothing but a form to sign in by: it tells nobody whether there is such a proposal.

        Raises VaultError: unauthorized for what can name no vault, whoever may have written it.
        """
        if not is_slug(self.vault):
            raise VaultError("unauthorized")
        if self.user is not None and not complaint:
            status, complaint = 403, f"{self.user.name} may not see the proposals of this vault."
        return render(
            "entry.html",
            status,
            cookies=self.cookies(),
            title="Sign in to see the proposal",
            proposal={"id": self.number, "vault": self.vault},
            complaint=complaint,
            form=self.form,
        )

    async def show(
        self, status: int = 200, *, complaint: str = "", notice: str = ""
    ) -> Response[str]:
        """The proposal as it is now. Raises VaultError: unauthorized for a wrong address."""
        if self.vault and not (self.address or self.is_of_vault):
            return self.show_entry(status, complaint=complaint)
        user, found = self.user, await self.found()
        if user is not None and _may(user, Permission.REVIEW_PROPOSALS, found.vault):
            found = await self.app.proposals.reviewed(found.vault, self.number)
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
            logins=logins_of(self.app, found, user, self.path) if user else [],
            place=self.place,
            user=user.name if user else "",
            may_decide=user is not None and _may(user, Permission.DECIDE_PROPOSALS, found.vault),
            complaint=complaint,
            notice=notice,
            most_reason=MAX_REASON,
            form=self.form,
        )

    @property
    def form(self) -> dict[str, str]:
        """What each form brings along: where it stands, and that it is this browser's."""
        return {
            "address": self.address,
            "vault": self.vault,
            "token": form_token(self.cookie),
        }

    async def show_stale(self) -> Response[str]:
        """The proposal again, for a form that does not count."""
        return await self.show(403, complaint=_STALE_FORM)

    @property
    def path(self) -> str:
        """The page's own."""
        return f"{PATH}/{self.number}"

    @property
    def place(self) -> str:
        """The page's own path and query."""
        name, value = ("token", self.address) if self.address else ("vault", self.vault)
        return f"{self.path}?{name}={quote(value, safe='')}"

    def back(self, cookies: list[Cookie] | None = None) -> Response[str]:
        """To the page, by GET: loading it again shall send nothing twice."""
        return see_other(self.place, cookies or [])


def see_other(place: str, cookies: Sequence[Cookie] = ()) -> Response[str]:
    """Send the browser to another page of this worker."""
    headers = {"Location": place, "Cache-Control": "no-store"}
    return Response(
        "", status_code=303, headers=headers, cookies=list(cookies), media_type="text/html"
    )


Act: TypeAlias = Callable[[Visit, dict[str, str]], Awaitable[Response[str]]]
"""What a form asks for: from the visit and its fields to the answer."""


async def posted(
    app: Application, facts: WorkerFacts, request: Ask, number: int, act: Act
) -> Response[str]:
    """Do what a form asks for that was shown to this browser; another one gets the page again."""
    form = parse_form(await request.body())
    where = form.get("token", ""), form.get("vault", "")
    visit = await Visit(app, facts, request, number, *where).met()
    if not is_own_form(visit.cookie, form.get("form", "")):
        return await visit.show_stale()
    return await act(visit, form)


Steps: TypeAlias = Callable[
    [Visit, Principal, wire.ReviewedProposal, dict[str, str]], Awaitable[None]
]
"""What a signed-in user's form asks for. Raises VaultError."""


async def acted(
    app: Application,
    facts: WorkerFacts,
    request: Ask,
    number: int,
    permission: Permission,
    steps: Steps,
) -> Response[str]:
    """Do what a form asks for as its user, who must hold the permission, and go back to the page;
    why it was refused is shown there.
    """

    async def act(visit: Visit, form: dict[str, str]) -> Response[str]:
        if visit.user is None:
            return await visit.show_stale()
        found = await visit.found()
        try:
            authorize(visit.user, permission, found.vault)
            await steps(visit, visit.user, found, form)
        except VaultError as error:
            note_refusal(app.auditing.refusals, error, had_token=True)
            if error.code == "conflict" and "review" in error.extra:
                return await visit.show(error.status, notice=_CHANGED)
            return await visit.show(error.status, complaint=str(error))
        return visit.back()

    return await posted(app, facts, request, number, act)


def _may(user: Principal, permission: Permission, vault: str) -> bool:
    try:
        authorize(user, permission, vault)
    except VaultError:
        return False
    return True


def _title(found: wire.ReviewedProposal) -> str:
    if found.review is not None:
        return _TITLES.get(found.review.level, "Allow this?")
    return _ENDS.get(found.status, found.status)


def _ended(found: wire.ReviewedProposal) -> str:
    word = _ENDS.get(found.status, found.status)
    by = f" by {found.reviewed_by}" if found.reviewed_by else ""
    when = f", {moment(found.reviewed_at)}" if found.reviewed_at else ""
    return f"{word}{by}{when}."
