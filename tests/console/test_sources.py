"""Vaults that an external store backs: seen at once, read now, connected and disconnected."""

from textual.widgets import Input, Select

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.domain.wire import SetSource
from tests.console.fake_worker import FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from tests.console.proposal_samples import new_service
from tests.console.test_snapshots import Snapshot, pressed
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.proposal_approve import ApproveDialog
from vault_tui.screens.secret import SecretDialog, SecretInput
from vault_tui.screens.source_form import SourceForm

SOURCE = "/v1/vaults/default/source"
DOWN = "The store answered 503."
FAILING = {"state": "failing", "last_error": DOWN, "failures": 3}


def operator_of(worker: FakeWorker) -> FakeWorker:
    """Its operator is unlocked."""
    worker.operator = True
    return worker


async def test_a_store_stands_above_the_credentials_and_refuses_changes() -> None:
    """Kind, place, age and state; what would change a value says why not before it asks for one.

    Without a store, a vault that has credentials is not offered one: reading it would delete them.
    """
    worker = operator_of(furnished())
    app = console(worker)
    async with running(app, (140, 40)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "GITHUB_TOKEN" in text_of(app))
        await pilot.press("o")
        await until(pilot, lambda: "Only an empty vault" in text_of(app))
        assert not isinstance(app.screen, SourceForm)
        worker.sources.back(skipped=["1st"])
        worker.emit(EventType.VAULT_CHANGED, {"vault": "default", "name": "default"})
        await until(pilot, lambda: "https://vault.example.com:8200 secret/team/app" in text_of(app))
        for words in ("● ok", "read 12 s ago", "read-only here", "HashiCorp Vault", "1 skipped"):
            assert words in text_of(app)
        for key in ("a", "s", "c", "d"):
            await pilot.press(key)
            await until(pilot, lambda: "come from its external store" in text_of(app))
            assert not isinstance(app.screen, SecretDialog | Confirm)
            app.state.notice = None
        worker.sources.back(**FAILING)
        worker.emit(EventType.SOURCE_FAILED, {"vault": "default", "name": "default", "error": DOWN})
        await until(pilot, lambda: "what it held last serves" in text_of(app))
        assert "✗ failing" in text_of(app)
        assert app.state.notice is not None
        assert DOWN in app.state.notice.text


async def test_a_store_is_connected_read_and_disconnected() -> None:
    """The secret is masked, survives a complaint, and stands in the request alone."""
    worker = operator_of(FakeWorker())
    app = console(worker)
    async with running(app, (140, 40)) as pilot:
        await pilot.press("4", "o")
        await until(pilot, lambda: isinstance(app.screen, SourceForm))
        form = app.screen
        form.query_one("#kind", Select).value = "infisical"
        await until(pilot, lambda: form.query_one("#field-project").display)
        assert not form.query_one("#field-token").display
        wanted = {"url": "https://store.test", "environment": "prod", "client-id": "machine"}
        for line, text in wanted.items():
            form.query_one(f"#{line}", Input).value = text
        form.query_one("#client-secret", SecretInput).value = "hush-hush"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Give the project" in text_of(app))
        form.query_one("#project", Input).value = "p-1"
        worker.failing[f"PUT {SOURCE}"] = VaultError("bad_request", "That is no address.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "That is no address" in text_of(app))
        assert "hush-hush" not in text_of(app)
        del worker.failing[f"PUT {SOURCE}"]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "https://store.test" in text_of(app))
        body = worker.asked("PUT", SOURCE)[-1]
        assert body == SetSource(
            type="infisical", project="p-1", client_secret="hush-hush",
            url="https://store.test", environment="prod", client_id="machine",
        )  # fmt: skip
        worker.sources.error = DOWN
        await pilot.press("o", "down", "enter")
        await until(pilot, lambda: "✗ failing" in text_of(app))
        assert worker.asked("POST", f"{SOURCE}/poll")
        await pilot.press("o", "down", "down", "down", "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("right", "enter")
        await until(pilot, lambda: not worker.sources.by_vault and not app.state.store)
        await until(pilot, lambda: "✗ failing" not in text_of(app))


async def test_a_proposal_that_needs_a_value_says_so_before_it_asks_for_one() -> None:
    """Where values come from the store; one that needs none is decided as ever."""
    worker = operator_of(furnished())
    worker.sources.back()
    worker.propose(**new_service())
    app = console(worker)
    async with running(app, (140, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, lambda: "RISKS" in text_of(app))
        await pilot.press("a")
        await until(pilot, lambda: "come from its external store" in text_of(app))
        assert not isinstance(app.screen, ApproveDialog)


async def test_the_health_board_has_the_store_and_reads_it_now() -> None:
    """Its state, when it was read and will be, its whole error."""
    worker = operator_of(furnished())
    worker.sources.back(**FAILING)
    app = console(worker)
    async with running(app, (140, 40)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: app.state.source is not None)
        await pilot.press("b")
        await until(pilot, lambda: "hashicorp" in text_of(app) and DOWN in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: bool(worker.asked("POST", f"{SOURCE}/poll")))
        await until(pilot, lambda: "failing" not in text_of(app))


def test_how_it_looks(snap_compare: Snapshot) -> None:
    """The line of a store that can't be read, with what can be done with it in front."""
    worker = operator_of(furnished())
    worker.sources.back(**FAILING)
    app = console(worker)
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressed(app, "4", "o", "down"))


def test_how_the_form_looks(snap_compare: Snapshot) -> None:
    """Of an empty vault."""
    worker = operator_of(furnished())
    worker.secrets.clear()
    app = console(worker)
    assert snap_compare(app, terminal_size=(120, 40), run_before=pressed(app, "4", "o"))
