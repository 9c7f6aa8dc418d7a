"""Events & audit: what happens live, who did what, narrowed, further back, and verified."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from proxy_core.domain.events import EventType
from tests.console.fake_audit import HEAD, furnish
from tests.console.fake_worker import PASSWORD, FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from tests.console.test_credentials_screen import type_in
from tests.console.test_hostile_text import HOSTILE as TEXTS
from tests.console.test_snapshots import SIZES, settled, steady
from vault_tui.actions import BY_ID
from vault_tui.app import ConsoleApp
from vault_tui.screens.audit import EventsScreen
from vault_tui.screens.audit_words import place
from vault_tui.screens.confirm import Confirm

HOSTILE = "".join(TEXTS)


def audited() -> FakeWorker:
    """A worker with an audit, whose operator has unlocked."""
    worker = furnished()
    worker.operator = True
    furnish(worker.audit)
    return worker


async def on_events(app: ConsoleApp, pilot: Pilot[Any]) -> None:
    """Go to the screen."""
    app.action_run("screen.events")
    await until(pilot, lambda: isinstance(app.screen, EventsScreen))
    await pilot.pause()


async def on_audit(app: ConsoleApp, pilot: Pilot[Any]) -> None:
    """Go to the screen, and to its second view."""
    await on_events(app, pilot)
    await pilot.press("a")
    await until(pilot, lambda: "vault.sealed" in text_of(app))


async def test_events_appear_as_they_happen() -> None:
    """The newest on top, with who and what, and nothing of requests."""
    worker = furnished()
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await on_events(app, pilot)
        await until(pilot, lambda: "Nothing has happened yet" in text_of(app))
        worker.emit(EventType.CREDENTIAL_CHANGED, {"vault": "default", "name": "ONE", "by": "ada"})
        worker.emit(EventType.AGENT_REVOKED, {"vault": "", "name": "ci-bot", "by": "bob"})
        await until(pilot, lambda: "ci-bot" in text_of(app))
        shown = text_of(app)
        assert shown.index("agent.revoked") < shown.index("credential.changed")
        assert "request.finished" not in shown


async def test_the_audit_asks_for_an_operator_and_shows_before_and_after() -> None:
    """A proof first; then who, from where, and what was there before."""
    worker = audited()
    worker.operator = False
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await on_events(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: "Prove a key slot" in text_of(app))
        assert "GITHUB_TOKEN" not in text_of(app)
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: "credential.set" in text_of(app))
        await pilot.press("j", "j", "j")
        await until(pilot, lambda: "PATCH /v1/vaults/{vault}/services" in text_of(app))
        assert "user bob@example.com" in text_of(app)
        assert text_of(app).count("enabled true → false") == 2


async def test_a_filter_narrows_what_the_worker_is_asked_for() -> None:
    """Fields and words go to the worker; backspace takes them away again."""
    worker = audited()
    app = console(worker)
    async with running(app, (120, 40)) as pilot:
        await on_audit(app, pilot)
        await pilot.press("slash", *"action", "colon", *"credential", "enter")
        await until(pilot, lambda: "vault.sealed" not in text_of(app))
        assert "credential.revealed" in text_of(app)
        await pilot.press("backspace")
        await until(pilot, lambda: "vault.sealed" in text_of(app))


async def test_older_entries_are_loaded_below() -> None:
    """One page at a time, until there are no more."""
    worker = audited()
    for number in range(150):
        worker.audit.add("settings.changed", f"setting_{number}")
    app = console(worker)
    async with running(app, (120, 40)) as pilot:
        await on_events(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: "setting_149" in text_of(app))
        screen = app.screen
        assert isinstance(screen, EventsScreen)
        assert screen.table.row_count == 100
        await pilot.press("l")
        await until(pilot, lambda: screen.table.row_count == 156)
        assert app.why_not(BY_ID["events.older"])


async def test_new_entries_come_on_top_when_something_happens() -> None:
    """An event is the sign to look; nobody is asked for a proof by it."""
    worker = audited()
    app = console(worker)
    async with running(app, (120, 40)) as pilot:
        await on_audit(app, pilot)
        worker.audit.add("vault.renamed", "fresh-name")
        worker.emit(EventType.VAULT_CHANGED, {"vault": "default", "name": "default", "by": "ada"})
        await until(pilot, lambda: "fresh-name" in text_of(app))


@pytest.mark.parametrize("fault", ["", "Entry 3 is not the one that was written."])
async def test_verifying_says_whether_it_is_whole(fault: str) -> None:
    """The sentence, and the head to note down."""
    worker = audited()
    worker.audit.fault = fault
    app = console(worker)
    async with running(app, (120, 40)) as pilot:
        await on_audit(app, pilot)
        await pilot.press("V")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        shown = text_of(app)
        assert (fault or "All 6 entries, 1 to 6, are as they were written.") in shown
        assert f"6:{HEAD[:20]}" in shown
        assert ("NOT whole" in shown) == bool(fault)


def test_where_a_jwt_was_sent_from() -> None:
    """The address, and the issuer whose word it was."""
    assert place({"address": "192.0.2.7", "issuer": "corp"}) == "192.0.2.7, by a JWT of corp"
    assert place({"address": "192.0.2.7"}) == "192.0.2.7"


async def test_hostile_text_is_shown_harmlessly() -> None:
    """What entries and events quote comes from anybody."""
    worker = audited()
    worker.audit.add("credential.set", HOSTILE, before={HOSTILE: HOSTILE}, after={"note": HOSTILE})
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await on_events(app, pilot)
        worker.emit(EventType.WORKER_PROBLEM, {"problem": HOSTILE, "name": HOSTILE, "by": HOSTILE})
        await until(pilot, lambda: "worker.problem" in text_of(app))
        assert "\x1b" not in text_of(app)
        await pilot.press("a")
        await until(pilot, lambda: "credential.set" in text_of(app))
        assert "\x1b" not in text_of(app)


Snapshot = Callable[..., bool]


def shown(app: ConsoleApp, *keys: str) -> Callable[[Pilot[Any]], Any]:
    """The screen with its audit, at rest."""

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        await on_audit(app, pilot)
        for key in keys:
            await pilot.press(key)
        app.state.notice = None
        app.refresh_frame()
        await settled(pilot)

    return prepare


@pytest.mark.parametrize("size", SIZES)
def test_the_audit(snap_compare: Snapshot, size: tuple[int, int]) -> None:
    """Entries, and one with what was before and after."""
    app = console(audited())
    assert snap_compare(app, terminal_size=size, run_before=shown(app, "j", "j", "j"))


def test_the_audit_without_colours(snap_compare: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything can be told apart by its words."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = console(audited())
    assert snap_compare(app, terminal_size=(120, 40), run_before=shown(app, "j", "j", "j"))


def test_events_live(snap_compare: Snapshot) -> None:
    """What happened since the console was opened."""
    worker = audited()
    app = console(worker)

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        await on_events(app, pilot)
        data = {"vault": "default", "name": "GITHUB_TOKEN", "by": "operator ada", "version": 3}
        worker.emit(EventType.CREDENTIAL_CHANGED, data)
        worker.emit(EventType.REFRESH_SUCCEEDED, {"name": "claude", "vault": "default"})
        worker.emit(EventType.OPERATOR_REFUSED, {"by": "peer mallory", "slot": "password"})
        await until(pilot, lambda: "operator.refused" in text_of(app))
        app.state.notice = None
        app.refresh_frame()
        await settled(pilot)

    assert snap_compare(app, terminal_size=(120, 40), run_before=prepare)
