"""Drafts: from a host that was seen without a service to a form that is filled in."""

from textual.widgets import Input

from proxy_core.base.clock import rfc3339
from proxy_core.domain import wire
from tests.console.fake_worker import NOW, furnished, record
from tests.console.harness import console, running, text_of, until
from vault_tui.screens.service_form import ServiceForm


async def test_a_host_that_the_catalog_knows_comes_with_its_auth():
    """From the proposals' own list of hosts; the note says where it is from."""
    worker = furnished()
    worker.operator = True
    worker.services.clear()
    worker.hosts = [
        wire.DiscoveredHost(
            host="api.stripe.com", port=443, requests=3, last_seen_at=rfc3339(NOW - 5)
        )
    ]
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("2", "o")
        await until(pilot, lambda: "api.stripe.com:443" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ServiceForm))
        assert app.screen.query_one("#token", Input).value == "STRIPE_KEY"
        assert "From the catalog: Stripe." in text_of(app)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: bool(worker.services))
        assert worker.services[0]["host"] == "api.stripe.com"


async def test_a_denied_row_becomes_a_draft_of_what_was_asked_for():
    """The place that all requests share; what is hostile in the log steers nothing."""
    worker = furnished()
    worker.operator = True
    denied = {
        "host": "new.acme.test", "matched_service": "", "decision": "denied", "status": 403,
        "error_code": "forbidden", "method": "POST", "credential_keys": (),
    }  # fmt: skip
    paths = ("/v1/a", "/v1/b?key=[red]x[/]", "/v1/c/\x1b[2J")
    worker.log = [record(number, path=path, **denied) for number, path in enumerate(paths, 1)]
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: len(app.traffic.ring) == 3)
        await until(pilot, lambda: "new.acme.test" in text_of(app))
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, ServiceForm))
        assert app.screen.query_one("#host", Input).value == "new.acme.test/v1/*"
        assert "Seen lately: 3 requests, POST." in text_of(app)
