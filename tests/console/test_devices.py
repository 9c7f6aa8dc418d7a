"""Devices that sign in at the gateway: seen at once, approved for an agent or denied with a key."""

import pytest
from textual.widgets import Select

from proxy_core.domain import wire
from tests.console.fake_worker import FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from tests.console.test_snapshots import Snapshot, pressed
from vault_tui.screens.device_flows import DeviceForm

APPROVE = "/v1/devices/requests/WDJB-MJHT/approve"


def operator_of() -> FakeWorker:
    """A furnished worker whose operator is unlocked."""
    worker = furnished()
    worker.operator = True
    return worker


async def test_a_device_rings_and_is_approved_as_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code, client and address are shown; the code has to be typed."""
    worker = operator_of()
    app = console(worker)
    rung: list[bool] = []
    monkeypatch.setattr(app, "bell", lambda: rung.append(True))
    async with running(app, (140, 40)) as pilot:
        worker.sign_in()
        await until(pilot, lambda: "▲ 1 to sign in" in text_of(app))
        assert rung
        await pilot.press("3")
        await until(pilot, lambda: "code WDJB-MJHT from 10.0.0.7" in text_of(app))
        assert "claude-code/2.1.330 asks to sign in" in text_of(app)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, DeviceForm))
        await pilot.press("enter", *"WDJB", "enter")
        await until(pilot, lambda: "not the code of this device" in text_of(app))
        await pilot.press(*"mjht", "tab", *"ada", "enter")
        await until(pilot, lambda: "must be an e-mail address" in text_of(app))
        await pilot.press(*"@example.com", "enter")
        await until(pilot, lambda: "sign in as agent ada" in text_of(app))
        (body,) = worker.asked("POST", APPROVE)
        assert body == wire.ApproveDevice(vault="default", email="ada@example.com")
        await until(pilot, lambda: "to sign in" not in text_of(app).splitlines()[0])


async def test_a_device_acts_as_an_agent_that_is_there() -> None:
    """It is chosen in the form."""
    worker = operator_of()
    worker.staff.furnish()
    app = console(worker)
    async with running(app, (140, 40)) as pilot:
        worker.sign_in()
        await pilot.press("3")
        await until(pilot, lambda: "code WDJB-MJHT" in text_of(app) and app.state.agents)
        name = (app.state.agents or [])[0].name
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, DeviceForm))
        app.screen.query_one("#agent", Select).value = name
        await pilot.press(*"WDJB-MJHT", "ctrl+s")
        await until(pilot, lambda: bool(worker.asked("POST", APPROVE)))
        (body,) = worker.asked("POST", APPROVE)
        assert body.agent == name


async def test_a_device_is_denied_once() -> None:
    """No rule can be written for it."""
    worker = operator_of()
    app = console(worker)
    async with running(app, (140, 40)) as pilot:
        worker.sign_in()
        await pilot.press("3")
        await until(pilot, lambda: "code WDJB-MJHT" in text_of(app))
        await pilot.press("D")
        await until(pilot, lambda: "there is no rule for it" in text_of(app))
        await pilot.press("d")
        await until(pilot, lambda: "No request waits" in text_of(app))
        assert worker.asked("POST", APPROVE.replace("approve", "deny"))


@pytest.mark.parametrize("keys", [("3",), ("3", "a")], ids=["list", "form"])
def test_how_it_looks(snap_compare: Snapshot, keys: tuple[str, ...]) -> None:
    """Beside a held request; and the form."""
    worker = operator_of()
    if keys == ("3",):
        worker.hold()
    worker.sign_in()
    app = console(worker)
    moves = ("down",) if keys == ("3",) else ()
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressed(app, *keys, *moves))
