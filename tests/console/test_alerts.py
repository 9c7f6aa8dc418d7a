"""What must not be missed: alerts, and a worker that has gone."""

import asyncio
from pathlib import Path

import pytest

from proxy_core.domain import wire
from tests.console.fake_worker import FakeWorker, furnished, record
from tests.console.harness import console, running, text_of, until
from vault_tui.preferences import Preferences
from vault_tui.state import Link


async def test_an_alert_rings_marks_the_title_and_is_seen_with_the_next_key(
    monkeypatch: pytest.MonkeyPatch,
):
    """Bell, toast and a mark in the title, and nothing that matters less takes its place on the
    status line; any key takes the mark away.
    """
    worker = furnished()
    app = console(worker)
    rung: list[bool] = []
    monkeypatch.setattr(app, "bell", lambda: rung.append(True))
    async with running(app) as pilot:
        assert app.alerts.title == "Vault TUI · default"
        worker.emit("worker.problem", {"detail": "[red]the log cannot be written[/]"})
        await until(pilot, lambda: "[red]the log cannot be written[/]" in text_of(app))
        assert [toast.severity for toast in app._notifications] == ["error"]
        assert rung == [True]
        assert app.alerts.title == "! Vault TUI · default"
        changed = {"name": "GITHUB_TOKEN", "vault": "default", "by": "eve"}
        worker.emit("credential.changed", changed)
        await until(pilot, lambda: app.state.events[-1].type == "credential.changed")
        assert "the log cannot be written" in text_of(app).splitlines()[-2]
        await pilot.press("down")
        assert app.alerts.title == "Vault TUI · default"
        worker.emit("credential.changed", changed)
        await until(pilot, lambda: "was set by eve" in text_of(app).splitlines()[-2])


@pytest.mark.parametrize(
    ("kind", "start"), [("osc9", "\x1b]9;"), ("osc777", "\x1b]777;notify;Vault TUI;")]
)
async def test_desktop_notifications_are_sent_when_asked_for(
    kind: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """By the preference alone, remembered, and with nothing in them that acts."""
    app = console(furnished(), preferences=Preferences.load(tmp_path))
    written: list[str] = []
    monkeypatch.setattr(app.alerts, "_write", written.append)
    async with running(app) as pilot:
        app.alerts.raise_alert("before")
        assert not any(text.startswith("\x1b]9;") for text in written)
        while app.preferences.notifications != kind:
            app.action_run("app.notify")
        app.alerts.raise_alert("a;b \x1b]52;c;x\x07")
        await pilot.pause()
        sent = [text for text in written if text.startswith(start)]
        assert len(sent) == 1
        assert sent[0].count("\x1b") == 1
        assert sent[0].count("\x07") == 1
    assert Preferences.load(tmp_path).notifications == kind


class Starter:
    """Starts the fake worker again, as another process."""

    def __init__(self, worker: FakeWorker) -> None:
        self.worker, self.times = worker, 0
        status = worker._status

        def renewed() -> wire.Status:
            found = status()
            found.pid = 1 + self.times
            return found

        worker._status = renewed  # type: ignore[method-assign]

    async def __call__(self, options: list[str]) -> None:
        await asyncio.sleep(0)
        assert options == ["--host", "127.0.0.1", "--port", "14321", "--proxy-port", "14322"]
        self.times += 1
        self.worker.mend()


async def test_a_worker_that_died_is_started_again(monkeypatch: pytest.MonkeyPatch):
    """The screen stays and is marked old; what was missed is said and read from the log."""
    monkeypatch.setattr("vault_tui.revival.GRACE_SECONDS", 1.0)
    worker = furnished()
    start = Starter(worker)
    app = console(worker, start_worker=start)
    async with running(app) as pilot:
        await until(pilot, lambda: "api.openai.com" in text_of(app))
        worker.cut()
        await until(pilot, lambda: "stale" in text_of(app))
        assert "api.openai.com" in text_of(app)
        worker.log.append(record(70, path="/meanwhile"))
        await until(pilot, lambda: "A new worker answers" in text_of(app))
        await until(pilot, lambda: "/meanwhile" in text_of(app))
        assert start.times == 1
        worker.cut()
        await until(pilot, lambda: "has gone again" in text_of(app))
        assert start.times == 1


async def test_a_worker_that_was_stopped_is_only_offered(monkeypatch: pytest.MonkeyPatch):
    """Somebody wanted it to stop: the console says so, and S starts a new one."""
    monkeypatch.setattr("vault_tui.revival.GRACE_SECONDS", 0.0)
    worker = furnished()
    start = Starter(worker)
    app = console(worker, start_worker=start)
    async with running(app) as pilot:
        assert "start worker" not in text_of(app)
        worker.emit("worker.stopping", {"by": "signal"})
        worker.cut()
        await until(pilot, lambda: "stopped on purpose. S starts" in text_of(app))
        await until(pilot, lambda: "S start worker" in text_of(app))
        assert start.times == 0
        await pilot.press("S")
        await until(pilot, lambda: app.state.link is Link.LIVE)
        assert start.times == 1


async def test_hits_are_fresh_while_requests_flow():
    """The services' list is read again while somebody looks; not when nothing happens."""
    worker = furnished()
    app = console(worker)
    path = "/v1/vaults/default/services"
    async with running(app) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: "1284" in text_of(app))
        app.console_screen._freshen()  # type: ignore[union-attr]
        asked = len(worker.asked("GET", path))
        await pilot.pause(0.1)
        assert len(worker.asked("GET", path)) == asked
        worker.services[0]["hits"] = 1285
        worker.finish(record(71))
        await until(pilot, lambda: "1285" in text_of(app))


async def test_a_list_is_fresh_when_its_screen_is_opened():
    """Requests that ended before it was looked at for the first time count too."""
    worker = furnished()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: app.state.services is not None)
        worker.services[0] = {**worker.services[0], "hits": 1285}
        worker.finish(record(71))
        await until(pilot, lambda: app.traffic.finished_count == 1)
        await pilot.press("5")
        await until(pilot, lambda: "1285" in text_of(app))
