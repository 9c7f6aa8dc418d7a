"""Holds: what waits is seen at once, in every console, and answered with a key."""

import pytest
from textual.widgets import Static

from proxy_core.base.clock import rfc3339
from proxy_core.domain import wire
from tests.console.fake_worker import NOW, FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from vault_tui.widgets.keyed_table import KeyedTable


def operator_of() -> FakeWorker:
    """A furnished worker whose operator is unlocked."""
    worker = furnished()
    worker.operator = True
    return worker


async def test_a_held_request_shows_on_every_screen_and_leaves_when_it_is_answered():
    """The header counts it; another console's answer takes it away."""
    worker = operator_of()
    app = console(worker)
    async with running(app) as pilot:
        held = worker.hold(vault="staging")
        await until(pilot, lambda: "▲ 1 held" in text_of(app))
        assert "claude waits for an answer" in text_of(app)
        await pilot.press("3")
        await until(pilot, lambda: "https://slack.com/api/chat.postMessage" in text_of(app))
        assert "staging" in text_of(app)
        await until(pilot, lambda: '{"text": "hi"}' in text_of(app))
        assert "rule 2 asks an operator" in " ".join(text_of(app).split())
        worker.release(held, "denied")
        await until(pilot, lambda: "No request waits" in text_of(app))
        assert "held" not in text_of(app).splitlines()[0]


async def test_a_name_that_is_cut_ends_in_an_ellipsis():
    """Two agents whose names begin alike are not taken for one."""
    worker = operator_of()
    app = console(worker)
    async with running(app) as pilot:
        worker.hold(agent="claude-refactoring-the-whole-of-it")
        await pilot.press("3")
        await until(pilot, lambda: "chat.postMessage" in text_of(app))
        assert "claude-refactor… " in text_of(app)


@pytest.mark.parametrize(
    ("downs", "duration"), [(0, "once"), (1, "session"), (2, "15m"), (3, "1h"), (4, "always")]
)
async def test_allowing_asks_for_how_long(downs: int, duration: str):
    """Once is the first choice, and has to be chosen: Enter pressed twice allows nothing."""
    worker = operator_of()
    app = console(worker)
    async with running(app) as pilot:
        worker.hold()
        await pilot.press("3")
        await until(pilot, lambda: "chat.postMessage" in text_of(app))
        await pilot.press("a")
        await until(pilot, lambda: "Allow POST for claude" in text_of(app))
        url = app.screen.query_one(".text", Static).content
        assert str(url) == "https://slack.com/api/chat.postMessage"
        await pilot.press("enter", "enter")
        assert not worker.asked("POST", "/v1/holds/h1/approve")
        await pilot.press(*["down"] * (downs + 1), "enter")
        await until(pilot, lambda: "No request waits" in text_of(app))
        (body,) = worker.asked("POST", "/v1/holds/h1/approve")
        assert body == wire.ApproveHold(duration=duration)


async def test_a_held_request_rings_and_another_consoles_answer_is_told(
    monkeypatch: pytest.MonkeyPatch,
):
    """Bell, toast and mark; later nothing says any more that somebody waits."""
    worker = operator_of()
    app = console(worker)
    rung: list[bool] = []
    monkeypatch.setattr(app, "bell", lambda: rung.append(True))
    async with running(app) as pilot:
        for outcome, words in {
            "approved": "operator eve allowed a request of claude",
            "denied": "operator eve denied a request of claude",
            "timeout": "Nobody answered a request of claude in time",
            "cancelled": "claude waits for an answer no more",
        }.items():
            held = worker.hold()
            await until(pilot, lambda: bool(rung))
            assert (rung.pop(), app.alerts.title[0]) == (True, "!")
            await pilot.press("down")
            worker.release(held, outcome)
            await until(pilot, lambda words=words: words in text_of(app).splitlines()[-2])
        assert {toast.severity for toast in app._notifications} == {"warning"}


async def test_denying_once_is_one_key_and_always_is_confirmed():
    """A rule is written only after the second step; Enter alone does not do it."""
    worker = operator_of()
    app = console(worker)
    async with running(app) as pilot:
        worker.hold(1)
        worker.hold(2, url="https://slack.com/api/admin.x")
        await pilot.press("3")
        await until(pilot, lambda: "admin.x" in text_of(app))
        await pilot.press("d")
        await until(pilot, lambda: len(worker.holds) == 1)
        assert worker.asked("POST", "/v1/holds/h1/deny") == [wire.DenyHold()]
        await until(pilot, lambda: "chat.postMessage" not in text_of(app))
        await pilot.press("D")
        await until(pilot, lambda: "Deny such requests always?" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Deny such requests always?" not in text_of(app))
        assert len(worker.holds) == 1
        await pilot.press("D", "tab", "enter")
        await until(pilot, lambda: not worker.holds)
        assert worker.asked("POST", "/v1/holds/h2/deny") == [wire.DenyHold(always=True)]


async def test_a_key_meant_for_a_request_that_has_gone_answers_no_other():
    """For a moment nothing is answered when another request comes under the cursor by itself."""
    worker = operator_of()
    app = console(worker)
    async with running(app) as pilot:
        first = worker.hold(1)
        worker.hold(2, agent="other-agent")
        await pilot.press("3")
        await until(pilot, lambda: app.screen.query_one(KeyedTable).row_count == 2)
        worker.release(first, "timeout")
        await until(pilot, lambda: app.screen.query_one(KeyedTable).row_count == 1)
        await pilot.press("d")
        await until(pilot, lambda: "this is another request" in text_of(app))
        assert len(worker.holds) == 1
        worker.clock.advance(1.1)
        await pilot.press("d")
        await until(pilot, lambda: not worker.holds)


async def test_the_time_left_runs():
    """It is counted from the worker's own times."""
    worker = operator_of()
    app = console(worker)
    async with running(app) as pilot:
        worker.hold()
        await pilot.press("3")
        await until(pilot, lambda: "120 s" in text_of(app))
        worker.clock.advance(110)
        await until(pilot, lambda: " 10 s" in text_of(app))


async def test_a_grant_can_be_ended():
    """The list says whose, what and until when; Enter alone ends none."""
    worker = operator_of()
    worker.grants = [
        wire.Grant(
            id="g1", vault="default", agent="claude", service="slack-bot", method="POST",
            url="https://slack.com/api/chat.postMessage", duration="15m", created_by="operator",
            created_at=rfc3339(NOW), expires_at=rfc3339(NOW + 900),
        )
    ]  # fmt: skip
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("3", "o")
        await until(pilot, lambda: "POST https://slack.com/api/chat.postMessage" in text_of(app))
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: not worker.grants)


async def test_a_read_only_console_looks_and_does_not_answer():
    """It says why."""
    worker = operator_of()
    app = console(worker, read_only=True)
    async with running(app) as pilot:
        worker.hold()
        await pilot.press("3")
        await until(pilot, lambda: "chat.postMessage" in text_of(app))
        await pilot.press("d")
        await until(pilot, lambda: "read-only" in text_of(app).splitlines()[-2])
        assert len(worker.holds) == 1
