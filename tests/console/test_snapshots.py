"""How each screen looks, at the three sizes that matter, and without colours."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from proxy_core.base.clock import rfc3339
from proxy_core.domain.events import EventType
from tests.console.fake_worker import NOW, FakeWorker, furnished, record, start_of
from tests.console.harness import console, text_of, until
from vault_tui.app import ConsoleApp
from vault_tui.state import Link

SIZES = [(80, 24), (120, 40), (200, 60)]
Snapshot = Callable[..., bool]


def steady(app: ConsoleApp) -> Callable[[Pilot[Any]], Any]:
    """Wait for the lists, and freeze what moves by itself."""

    async def prepare(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: app.state.link is Link.LIVE and app.state.status is not None)
        if not app.state.sealed:
            await until(pilot, lambda: app.state.services is not None)
            await until(pilot, lambda: len(app.traffic.ring) == 60)
        app.state.round_trip_ms = 3.0
        app.state.notice = None
        app.refresh_frame()
        await settled(pilot)

    return prepare


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until three looks in a row, further apart than a repaint, show the same."""
    looks: list[str] = []
    for _ in range(60):
        await pilot.pause(0.12)
        await pilot.pause()  # until nothing is left to be done, however long that takes
        strips = pilot.app.screen._compositor.render_strips()
        looks.append("\n".join(repr(strip) for strip in strips))
        if len(looks) > 2 and looks[-1] == looks[-2] == looks[-3]:
            return
    raise AssertionError("the screen never came to rest")


def pressed(app: ConsoleApp, *keys: str) -> Callable[[Pilot[Any]], Any]:
    """As `steady`, then keys."""

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.05)
        for blinking in app.screen.query("Input, TextArea"):
            blinking.cursor_blink = False  # type: ignore[attr-defined]
        await settled(pilot)

    return prepare


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("screen", ["1", "4", "5"])
def test_screens(snap_compare: Snapshot, screen: str, size: tuple[int, int]):
    """Traffic, credentials, services."""
    app = console(furnished())
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, screen))


@pytest.mark.parametrize("size", SIZES)
def test_holds(snap_compare: Snapshot, size: tuple[int, int]):
    """What waits, from where, and for how long still."""
    worker = furnished()
    worker.hold(1, expires_at=rfc3339(NOW + 12))
    worker.hold(2, agent="reviewer", vault="staging", service="", rule=0, credential_keys=[],
                method="GET", url="https://new.example.org/a?page=…", body_preview="",
                reason="no service covers this request, and the vault asks for such")  # fmt: skip
    app = console(worker)
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, "3"))


@pytest.mark.parametrize("size", SIZES)
def test_detail(snap_compare: Snapshot, size: tuple[int, int]):
    """Over, below or beside the table."""
    app = console(furnished())
    keys = ("up", "up", "up", "enter")
    assert snap_compare(app, terminal_size=size, run_before=pressed(app, *keys))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["first", "sealed"])
def test_gates(snap_compare: Snapshot, state: str, size: tuple[int, int]):
    """First run and unseal."""
    worker = furnished()
    worker.initialized, worker.sealed = state == "sealed", True
    app = console(worker)

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        await until(pilot, lambda: "ctrl+q quit" in text_of(app))
        for line in app.screen.query("Input"):
            line.cursor_blink = False  # type: ignore[attr-defined]
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=prepare)


@pytest.mark.parametrize("keys", [("5", "a"), ("5", "enter"), ("4", "d"), ("question_mark",)])
def test_dialogs(snap_compare: Snapshot, keys: tuple[str, ...]):
    """Form, confirmation, help."""
    app = console(furnished())
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressed(app, *keys))


@pytest.mark.parametrize("theme", ["vault-light", "vault-contrast", "vault-ansi"])
def test_themes(snap_compare: Snapshot, theme: str):
    """The same screen in the other themes."""
    app = console(furnished())
    app.theme = theme
    assert snap_compare(app, terminal_size=(120, 40), run_before=steady(app))


def test_without_colour(snap_compare: Snapshot, monkeypatch: pytest.MonkeyPatch):
    """NO_COLOR: glyphs, words, bold and reverse carry everything."""
    monkeypatch.setenv("NO_COLOR", "1")
    worker = furnished()
    app = console(worker)

    async def prepare(pilot: Pilot[Any]) -> None:
        await steady(app)(pilot)
        worker.emit(EventType.REQUEST_STARTED, start_of(record(80, method="POST")))
        await settled(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=prepare)


def test_an_empty_vault(snap_compare: Snapshot):
    """The first thing a new operator sees says what to do."""
    app = console(FakeWorker())

    async def prepare(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: app.state.services is not None)
        app.state.round_trip_ms = 3.0
        await pilot.press("5")
        await settled(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=prepare)
