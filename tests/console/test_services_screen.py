"""Services: form, tester, catalog, YAML, switch, delete and undo."""

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from proxy_core.base.errors import VaultError
from tests.console.fake_worker import FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from vault_tui.app import ConsoleApp
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.service_form import ServiceForm
from vault_tui.screens.yaml_editor import YamlEditor
from vault_tui.service_words import gateway_of_line


@pytest.fixture
def worker() -> FakeWorker:
    """An unlocked worker with services."""
    found = furnished()
    found.operator = True
    return found


async def on_services(app: ConsoleApp, pilot: Pilot[int | None]) -> None:
    """Go to the screen."""
    await pilot.press("5")
    await until(pilot, lambda: "slack-bot" in text_of(app))


async def test_the_form_checks_while_typing_and_saves(worker: FakeWorker):
    """Wrong host: a sentence. Right: the name it will have. Ctrl+S saves."""
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ServiceForm))
        app.screen.query_one("#host", Input).value = "bad host"
        await until(pilot, lambda: "✗" in text_of(app))
        app.screen.query_one("#host", Input).value = "api.example.com/v1/*"
        app.screen.query_one("#token", Input).value = "MISSING_KEY"
        await until(pilot, lambda: "no credential MISSING_KEY" in text_of(app))
        app.screen.query_one("#token", Input).value = "UNUSED_KEY"
        app.screen.query_one("#rules", TextArea).text = "deny DELETE /v1/users/*"
        app.screen.query_one("#test", Input).value = "https://api.example.com/v1/x"
        await until(pilot, lambda: "✓ valid" in text_of(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(worker.services) == 5)
        made = worker.services[-1]
        assert made["host"] == "api.example.com/v1/*"
        assert made["rules"] == [{"methods": ["DELETE"], "path": "/v1/users/*", "action": "deny"}]


async def test_a_service_keeps_everything_the_form_shows(worker: FakeWorker):
    """Opening and saving changes nothing; nor what it does not show."""
    worker.services[2]["failover"] = [529]
    worker.services[2]["auth"] = {
        "type": "aws-sigv4",
        "access_key_id": "SLACK_BOT_TOKEN",
        "secret_access_key": "UNUSED_KEY",
        "role_arn": "arn:aws:iam::123456789012:role/agents",
        "duration": 900,
    }
    before = [dict(service) for service in worker.services]
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "✓ valid" in text_of(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(worker.asked("POST", "/v1/vaults/default/services")))
        sent = worker.asked("POST", "/v1/vaults/default/services")[0].services[0]
        assert sent["rules"] == before[2]["rules"]
        assert sent["auth"] == before[2]["auth"]
        assert sent["failover"] == [529]


@pytest.mark.parametrize("base", ["", "/api"])
async def test_a_gateway_is_shown_and_kept(worker: FakeWorker, base: str):
    """The detail names prefix and upstream; the form keeps both, also the upstream it omits."""
    service = worker.services[2]
    host = str(service["host"]).partition("/")[0]
    gateway = {"prefix": "gate", "upstream": f"https://{host}{base}"}
    service["gateway"] = gateway
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("down", "down")
        await until(pilot, lambda: f"/gate/ → https://{host}{base}" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: "✓ valid" in text_of(app))
        assert app.screen.query_one("#gateway", Input).value == (
            f"gate https://{host}{base}" if base else "gate"
        )
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(worker.asked("POST", "/v1/vaults/default/services")))
        sent = worker.asked("POST", "/v1/vaults/default/services")[0].services[0]
        assert sent["gateway"] == gateway


def test_a_gateways_line_holds_two_words_at_most() -> None:
    """More of them would be lost."""
    assert gateway_of_line("slack https://slack.com") == {
        "prefix": "slack",
        "upstream": "https://slack.com",
    }
    with pytest.raises(VaultError):
        gateway_of_line("a b c")


async def test_switching_off_and_on(worker: FakeWorker):
    """x toggles, and the list shows it in a word."""
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("x")
        await until(pilot, lambda: worker.services[0]["enabled"] is False)
        await until(pilot, lambda: text_of(app).count("disabled") >= 2)


async def test_a_deleted_service_can_be_put_back(worker: FakeWorker):
    """Delete with confirmation; u undoes it with all its fields."""
    before = dict(worker.services[0])
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "Delete github?" in text_of(app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(worker.services) == 3)
        await pilot.press("u")
        await until(pilot, lambda: len(worker.services) == 4)
        assert worker.services[-1]["host"] == before["host"]
        assert worker.services[-1]["auth"] == before["auth"]


async def test_undo_ends_after_five_minutes(worker: FakeWorker):
    """Then it says that there is nothing to undo."""
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(worker.services) == 3)
        worker.clock.advance(301)
        await pilot.press("u")
        await until(pilot, lambda: "nothing was deleted" in text_of(app))


async def test_the_catalog_fills_the_form(worker: FakeWorker):
    """Pick, check, save."""
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Service catalog" in text_of(app))
        await pilot.press(*"str")
        await until(pilot, lambda: "Dashboard, Developers" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServiceForm))
        assert app.screen.query_one("#host", Input).value == "api.stripe.com"


async def test_yaml_shows_the_difference_before_it_is_saved(worker: FakeWorker):
    """First ctrl+s: the diff. Second: saved. Nonsense: a sentence."""
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, YamlEditor))
        area = app.screen.query_one("#yaml", TextArea)
        good = area.text
        area.text = "services: {"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "no YAML" in text_of(app))
        area.text = good.replace("api.github.com", "github.example.com")
        await pilot.press("ctrl+s")
        await until(
            pilot, lambda: "+  host: github.example.com" in text_of(app).replace("+- ", "+  ")
        )
        assert not worker.asked("PUT", "/v1/vaults/default/services")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: worker.services[0]["host"] == "github.example.com")


async def test_hosts_seen_without_a_service_become_one(worker: FakeWorker):
    """o lists them, Enter opens the form."""
    app = console(worker)
    async with running(app) as pilot:
        await on_services(app, pilot)
        await pilot.press("o")
        await until(pilot, lambda: "registry.acme.test" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServiceForm))
        assert app.screen.query_one("#host", Input).value == "registry.acme.test"
        assert "Nothing but reading was seen" in " ".join(text_of(app).split())
        assert "deny" in app.screen.query_one("#rules", TextArea).text
