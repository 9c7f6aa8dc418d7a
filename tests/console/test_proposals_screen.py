"""Proposals: read as a difference, decided with care, kept in step with other consoles."""

from typing import Any

import pytest
from textual.pilot import Pilot

from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from tests.console.fake_worker import PASSWORD, FakeWorker, furnished, service
from tests.console.harness import console, running, text_of, until
from tests.console.proposal_samples import login, new_service, proposing, stolen_key, with_value
from vault_tui.app import ConsoleApp

APPROVE = "/v1/admin/proposals/1/approve"


def unlocked() -> FakeWorker:
    """A furnished worker whose operator is unlocked."""
    worker = furnished()
    worker.operator = True
    return worker


def proposed(**document: Any) -> tuple[FakeWorker, ConsoleApp]:
    """Such a worker to which an agent has proposed `document`, and a console for it."""
    worker = unlocked()
    worker.propose(**document)
    return worker, console(worker)


async def on_proposals(pilot: Pilot[int | None], wanted: str = "RISKS") -> None:
    """Go to the screen, and wait until the detail says `wanted`."""
    await pilot.press("2")
    await until(pilot, lambda: wanted in text_of(pilot.app))


def why(app: ConsoleApp, name: str) -> str:
    """Why an action of the screen cannot run."""
    from vault_tui.actions import BY_ID

    return app.why_not(BY_ID[f"proposals.{name}"]) or ""


def flat(app: ConsoleApp) -> str:
    """The screen in one line, for sentences that are wrapped."""
    return " ".join(text_of(app).replace("│", " ").split())


async def test_the_detail_is_a_difference_of_authority():
    """Service by service, credential by credential, with the risks first and the words last."""
    app = console(proposing())
    async with running(app, (120, 60)) as pilot:
        await on_proposals(pilot)
        shown = flat(app)
        order = [
            "RISKS ▲▲ HIGH The existing credential GITHUB_TOKEN would be sent to api.githud.com",
            "WHAT THE VAULT ALLOWS: NOW, AND AFTER + new service github-mirror",
            "~ other hosts for credential GITHUB_TOKEN",
            "goes to now api.github.com after api.github.com + api.githud.com",
            "THE AGENT'S WORDS, FOR THE RECORD A faster mirror",
        ]
        places = [shown.index(text) for text in order]
        assert places == sorted(places)
        await pilot.press("n", "n")
        await until(pilot, lambda: "linear" in flat(app).partition("RISKS")[2])
        shown = flat(app)
        assert "value ▲ needed from you" in shown
        assert "get it at https://linear.app/settings/api" in shown
        assert "rules allow POST /graphql deny * *" in shown


async def test_a_changed_service_shows_both_sides():
    """What is on one side alone is marked, by signs too."""
    open_to_all = {"name": "slack-bot", "host": "slack.com/api/*", "rules": []}
    _, app = proposed(services=[{"action": "set", **open_to_all}])
    async with running(app, (120, 60)) as pilot:
        await on_proposals(pilot, "~ changed service slack-bot")
        assert "now - deny DELETE /api/admin.* after none: every method" in flat(app)
        assert "Requests that rules of slack-bot deny" in flat(app)


async def test_a_slot_is_filled_masked_and_handed_over_with_the_digest():
    """The value is never on the screen; what is approved is what was shown."""
    worker, app = proposed(**new_service())
    async with running(app) as pilot:
        await on_proposals(pilot)
        digest = worker.proposals.get(1).review.digest  # type: ignore[union-attr]
        await pilot.press("a")
        await until(pilot, lambda: "Still to do: value of LINEAR_API_KEY" in text_of(app))
        assert app.screen.query_one("#approve").disabled
        await pilot.press(*"lin-typed")
        await until(pilot, lambda: "All there" in text_of(app))
        assert "lin-typed" not in text_of(app)
        await pilot.press("enter", "right", "enter")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        (body,) = worker.asked("POST", APPROVE)
        assert (body.credentials, body.digest) == ({"LINEAR_API_KEY": "lin-typed"}, digest)


async def test_enter_alone_approves_nothing():
    """Not where there is nothing to fill in either: the dialog starts on Cancel."""
    open_host = {"name": "docs", "host": "docs.acme.test", "auth": {"type": "passthrough"}}
    worker, app = proposed(services=[{"action": "set", **open_host}])
    async with running(app) as pilot:
        await on_proposals(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "All there" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "All there" not in text_of(app))
        assert not worker.asked("POST", APPROVE)
        await pilot.press("a")
        await until(pilot, lambda: "All there" in text_of(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        assert worker.proposals.applied == [{}]


async def test_high_risk_needs_each_name_letter_by_letter():
    """A wrong letter keeps the button off."""
    worker, app = proposed(**stolen_key())
    async with running(app) as pilot:
        await on_proposals(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "type GITHUB_TOKEN, type github-mirror" in flat(app))
        await pilot.press(*"GITHUB_TOKEN", "enter", *"github-mirroR")
        await until(pilot, lambda: "Still to do: type github-mirror" in flat(app))
        assert app.screen.query_one("#approve").disabled
        await pilot.press("backspace", "r", "enter", "right", "enter")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        assert worker.proposals.applied == [{}]


async def test_a_changed_vault_is_shown_again_and_slots_stay_filled():
    """What has changed is said; a second look approves it with the value typed before."""
    worker, app = proposed(**new_service())
    async with running(app, (120, 60)) as pilot:
        await on_proposals(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "Still to do" in text_of(app))
        await pilot.press(*"lin-typed")
        worker.services.append(service("linear", "api.linear.app", "GITHUB_TOKEN"))
        await pilot.press("enter", "right", "enter")
        await until(pilot, lambda: "CHANGED SINCE YOU LOOKED" in text_of(app))
        assert "service linear: what would change is another now" in flat(app)
        assert not worker.proposals.applied
        await until(pilot, lambda: "All there" in text_of(app))
        await pilot.press("tab", "right", "enter")
        await until(pilot, lambda: bool(worker.proposals.applied))
        assert worker.proposals.applied == [{"LINEAR_API_KEY": "lin-typed"}]


async def test_a_reason_goes_to_the_agent():
    """Rejected with x; Escape rejects nothing."""
    worker, app = proposed(**new_service())
    async with running(app) as pilot:
        await on_proposals(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "Reject proposal 1" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Reject proposal 1" not in text_of(app))
        assert not worker.proposals.reasons
        await pilot.press("x", *"use the mirror", "enter")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        assert worker.proposals.reasons == ["use the mirror"]


async def test_one_that_another_operator_decided_says_who():
    """In the answer to a late decision, and among those decided, with the reason."""
    worker, app = proposed(**new_service())
    said: list[str] = []
    async with running(app) as pilot:
        notice = app.notice
        app.notice = lambda text, *more: (said.append(text), notice(text, *more))[1]  # type: ignore[method-assign,func-returns-value]
        await on_proposals(pilot)
        await pilot.press("x")
        await until(pilot, lambda: "Reject proposal 1" in text_of(app))
        worker.proposals.decide(1, "rejected", "operator eve", "not needed")
        await pilot.press("enter")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        assert any("rejected already by operator eve" in text for text in said)
        await pilot.press("f")
        await until(pilot, lambda: "rejected by operator eve" in flat(app))
        assert "REASON GIVEN not needed" in flat(app)
        assert "already, by operator eve" in why(app, "approve")


async def test_reading_goes_through_all_and_keeps_what_somebody_else_decides():
    """Over the whole screen; a decision here goes on to the next, one elsewhere moves nothing."""
    worker = proposing()
    app = console(worker)
    async with running(app) as pilot:
        await on_proposals(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "ASKS FOR" not in text_of(app))
        await until(pilot, lambda: "proposal 3  ◷ waits  1 of 3" in text_of(app))
        worker.proposals.decide(3, "rejected", "operator eve")
        worker.emit(EventType.PROPOSAL_REJECTED, worker.proposals.event(3))
        await until(pilot, lambda: "proposal 3  ✗ rejected" in text_of(app))
        await pilot.press("n")
        await until(pilot, lambda: "proposal 2  ◷ waits" in text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: "Reject proposal 2" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "proposal 1  ◷ waits" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "ASKS FOR" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "ASKS FOR" not in text_of(app))
        await pilot.press("x")
        await until(pilot, lambda: "Reject proposal 1" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "No proposal waits" in text_of(app))


async def test_a_new_proposal_rings_and_is_counted(monkeypatch: pytest.MonkeyPatch):
    """Bell, toast, title and header, of other vaults too; a decision takes it away."""
    worker = unlocked()
    app = console(worker)
    rung: list[bool] = []
    monkeypatch.setattr(app, "bell", lambda: rung.append(True))
    async with running(app) as pilot:
        worker.propose(**new_service())
        await until(pilot, lambda: "◷ 1 proposed" in text_of(app).splitlines()[0])
        assert rung == [True]
        assert app.alerts.title[0] == "!"
        (toast,) = app._notifications
        assert toast.message == (
            "agent ci proposes service linear; credential LINEAR_API_KEY: proposal 1"
        )
        worker.emit(
            EventType.PROPOSAL_CREATED,
            {"vault": "staging", "id": 4, "agent": "agent x", "services": ["[@click=app.quit]x"]},
        )
        await until(pilot, lambda: len(rung) == 2)
        assert "(vault staging)" in [toast.message for toast in app._notifications][-1]
        worker.proposals.decide(1, "applied", "operator eve")
        worker.emit(EventType.PROPOSAL_APPLIED, worker.proposals.event(1))
        await until(pilot, lambda: "proposed" not in text_of(app).splitlines()[0])


async def test_an_agents_value_is_revealed_on_purpose_only():
    """It is not in the detail; a fresh proof shows it for a while."""
    _, app = proposed(**with_value())
    async with running(app) as pilot:
        await on_proposals(pilot, "has a value, the agent's")
        assert "lin-of-the-agent" not in text_of(app)
        await pilot.press("V")
        await until(pilot, lambda: "Prove a key slot to see LINEAR_API_KEY" in flat(app))
        await pilot.press(*PASSWORD, "enter")
        await until(pilot, lambda: "lin-of-the-agent" in text_of(app))
        await until(pilot, lambda: "hides in" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "lin-of-the-agent" not in text_of(app))


async def test_a_login_at_a_known_provider_is_shown_by_its_name():
    """Not by its URLs; the agent's scopes and client stand in the form all the same."""
    document = login()
    document["credentials"][0]["oauth"] = {
        "authorization_url": "https://gitlab.com/oauth/authorize",
        "token_url": "https://gitlab.com/oauth/token",
        "client_id": "agents-client",
    }
    _, app = proposed(**document)
    async with running(app) as pilot:
        await on_proposals(pilot, "not connected yet")
        await pilot.press("c")
        await until(pilot, lambda: "Register an application at gitlab.com" in text_of(app))
        form = app.screen
        assert form.query_one("#provider").value == "gitlab"  # type: ignore[attr-defined]
        assert form.query_one("#client-id").value == "agents-client"  # type: ignore[attr-defined]


async def test_a_login_is_connected_in_the_form_with_what_was_proposed():
    """Approving waits for it, and says so; the endpoints stand in the form to be read."""
    worker, app = proposed(**login())
    async with running(app) as pilot:
        await on_proposals(pilot, "not connected yet")
        assert "CALENDAR_LOGIN must be connected first" in why(app, "approve")
        await pilot.press("c")
        await until(pilot, lambda: "https://oauth2.googleapis.com/token" in text_of(app))
        form = app.screen
        assert form.query_one("#key").value == "CALENDAR_LOGIN"  # type: ignore[attr-defined]
        assert form.query_one("#scopes").value == "calendar.readonly"  # type: ignore[attr-defined]
        form.query_one("#how").value = "paste"  # type: ignore[attr-defined]
        await pilot.pause()
        form.query_one("#access-token").value = "ya29.token"  # type: ignore[attr-defined]
        form.query_one("#client-id").value = "client"  # type: ignore[attr-defined]
        worker.proposals.connected.add("CALENDAR_LOGIN")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "login       connected" in text_of(app))
        (asked,) = worker.asked("POST", "/v1/credentials/oauth/tokens")
        assert (asked.key, asked.token_url) == (
            "CALENDAR_LOGIN", "https://oauth2.googleapis.com/token",
        )  # fmt: skip
        assert why(app, "approve") == ""


async def test_what_cannot_be_done_says_why():
    """No proposal, no value, no login, read-only, void."""
    worker = unlocked()
    app = console(worker)
    async with running(app) as pilot:
        await on_proposals(pilot, "No proposal waits")
        assert why(app, "approve") == "no proposal is selected"
        worker.propose(services=[{"action": "delete", "name": "github"}])
        await until(pilot, lambda: "- deleted service github" in text_of(app))
        assert why(app, "reveal") == "the agent supplied no value"
        assert why(app, "connect") == "it needs no login"
        del worker.services[0]
        worker.emit(EventType.SERVICE_DELETED, {"vault": "default", "name": "github"})
        await until(pilot, lambda: "cannot be carried out any more" in flat(app))
        assert "cannot be carried out" in why(app, "approve")
        assert why(app, "reject") == ""
        app.state.read_only = True
        assert "--read-only" in why(app, "reject")


async def test_another_vault_has_other_proposals():
    """Nothing of the vault before stays on the screen."""
    worker, app = proposed(**new_service())
    async with running(app) as pilot:
        await on_proposals(pilot)
        worker.proposals.listed.clear()
        app.switch_vault("staging")
        await until(pilot, lambda: "No proposal waits" in text_of(app))
        assert "linear" not in text_of(app)


async def test_a_refusal_of_the_worker_is_told():
    """A value that the worker does not take: the proposal still waits."""
    from proxy_core.base.errors import VaultError

    worker, app = proposed(**new_service())
    worker.failing[f"POST {APPROVE}"] = VaultError("bad_request", "A value is missing.")
    said: list[str] = []
    async with running(app) as pilot:
        app.alerts.raise_alert = lambda text, *_: said.append(text)  # type: ignore[method-assign]
        await on_proposals(pilot)
        await pilot.press("a")
        await until(pilot, lambda: "Still to do" in text_of(app))
        await pilot.press("v", "enter", "right", "enter")
        await until(pilot, lambda: bool(said))
        assert "A value is missing." in said[0]
        assert isinstance(app.state.proposals, list)
        assert isinstance(app.state.proposals[0], wire.InboxProposal)
        assert app.state.proposals[0].status == "pending"
