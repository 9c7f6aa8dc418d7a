"""Signing in from the console: address and code, device codes, callbacks, pasted tokens."""

import json

import pytest
from textual import events
from textual.pilot import Pilot

from tests.console.fake_accounts import CODE, URL
from tests.console.fake_worker import FakeWorker, furnished
from tests.console.harness import console, running, text_of, until
from tests.console.test_accounts_screen import accounts_worker
from tests.console.test_credentials_screen import type_in
from vault_tui.app import ConsoleApp
from vault_tui.screens.sign_in import SignInDialog

TOKENS = {"access_token": "sk-ant-oat01-access", "refresh_token": "sk-ant-ort01-refresh"}


async def begin(pilot: Pilot[int | None], how: int = 0, nickname: str = "") -> None:
    """Open the form of a new account and hand it in; `how` is the way's place in the list."""
    await pilot.press("6")
    await until(pilot, lambda: "work" in text_of(pilot.app))
    await pilot.press("plus")
    await until(pilot, lambda: "Add an account" in text_of(pilot.app))
    await pilot.press("tab", "enter", *["down"] * how, "enter", "tab")
    await type_in(pilot, nickname)
    await pilot.press("ctrl+s")


def paste(app: ConsoleApp, text: str, into: str = "#code") -> None:
    """Paste into a line."""
    app.screen.query_one(into).post_message(events.Paste(text))


async def test_the_pasted_code_completes_the_login_and_is_never_shown():
    """The whole address can be read and copied; a wrong code is refused and can be mended."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await begin(pilot, nickname="third")
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        await until(pilot, lambda: "Waiting for the browser" in text_of(app))
        shown = "".join(line.strip(" │╭╰") for line in text_of(app).splitlines())
        assert URL in shown
        paste(app, "wrong-code")
        await pilot.press("enter")
        await until(pilot, lambda: "belongs to no login" in text_of(app))
        paste(app, CODE)
        await pilot.pause(0.05)
        assert CODE not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Account third is added; it serves ANTHROPIC" in text_of(app))
        await until(pilot, lambda: "third@example.com" in text_of(app))
    (asked,) = worker.lent.started
    assert (asked.provider, asked.headless, asked.join) == ("anthropic", True, None)


async def test_the_address_is_copied_whole_by_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch):
    """Lines that wrap on the screen make no difference."""
    app = console(accounts_worker())
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with running(app, (80, 24)) as pilot:
        await begin(pilot)
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        await pilot.press("ctrl+y")
        await until(pilot, lambda: copied == [URL])


async def test_a_callback_that_arrives_by_itself_ends_the_dialog():
    """Nobody types anything."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await begin(pilot, nickname="third")
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        worker.lent.connected()
        await until(pilot, lambda: "Account third is added" in text_of(app))
        assert not isinstance(app.screen, SignInDialog)


async def test_a_refusal_is_told_and_nothing_is_added():
    """The provider's reason stands on the screen until it is closed."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await begin(pilot)
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        worker.lent.end_flow(state="failed", error="access_denied", message="the user said no")
        await until(pilot, lambda: "Not connected: the user said no" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, SignInDialog))
    assert len(worker.lent.accounts) == 3
    assert not any(method == "DELETE" for method, _, _ in worker.calls)


async def test_giving_up_ends_the_login_at_the_worker_too():
    """So that a late callback does nothing."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await begin(pilot)
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        await pilot.press("escape")
        await until(pilot, lambda: worker.lent.flows["f0"].state == "cancelled")


async def test_a_device_code_is_shown_with_its_address():
    """It is typed elsewhere; here one waits."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        await begin(pilot, how=1, nickname="third")
        await until(pilot, lambda: "WDJB-MJHT" in text_of(app))
        assert "https://login.example.com/device" in text_of(app)
        worker.lent.connected()
        await until(pilot, lambda: "Account third is added" in text_of(app))
    assert worker.lent.started[0].grant == "device_code"


async def test_pasted_tokens_are_masked_and_what_is_no_json_is_refused():
    """Nothing of them is on the screen, whatever was wrong with them."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await begin(pilot, how=2, nickname="third")
        await until(pilot, lambda: "Tokens of the new account" in text_of(app))
        paste(app, "sk-ant-oat01-access", "#tokens")
        await pilot.press("enter")
        await until(pilot, lambda: "This is no JSON object" in text_of(app))
        app.screen.query_one("#tokens").value = ""  # type: ignore[attr-defined]
        paste(app, json.dumps(TOKENS, indent=1), "#tokens")
        await pilot.pause(0.05)
        assert "sk-ant" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Account third is added" in text_of(app))
    (asked,) = worker.asked("POST", "/v1/accounts")
    assert (asked.provider, asked.tokens, asked.nickname) == ("anthropic", TOKENS, "third")


async def test_an_account_is_connected_anew_without_asking_for_what_is_known():
    """c on it, one choice, then the login."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "work" in text_of(app))
        await pilot.press("G", "c")
        await until(pilot, lambda: "Connect lab anew" in text_of(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
    assert worker.lent.started[0].account == "id-lab"


# --- OAuth credentials ------------------------------------------------------------------------


def oauth_worker() -> FakeWorker:
    """An operator's worker with a sound OAuth credential, a broken one, and a pool."""
    worker = furnished()
    worker.operator = True
    worker.secrets = {"PLAIN": ["x"]}
    worker.oauth_credential("GITLAB_OAUTH")
    worker.oauth_credential(
        "NOTION_OAUTH", state="reconnect", last_error="invalid_grant: revoked", next_refresh_at=""
    )
    worker.oauth_credential("POOLED", "pool")
    return worker


async def on_credentials(pilot: Pilot[int | None], downs: int = 0) -> None:
    """Go to the screen, and down."""
    await pilot.press("4")
    await until(pilot, lambda: "GITLAB_OAUTH" in text_of(pilot.app))
    await pilot.press(*["down"] * downs)


async def test_the_list_shows_type_expiry_and_state_and_counts_down():
    """A token's end ticks; what does not end has a dash."""
    worker = oauth_worker()
    app = console(worker)
    async with running(app, (80, 24)) as pilot:
        await on_credentials(pilot)
        lines = text_of(app).splitlines()
        row = next(line for line in lines if "GITLAB_OAUTH" in line)
        assert all(part in row for part in ("oauth", "40:00", "● ok"))
        assert any("NOTION_OAUTH" in line and "▲ reconnect" in line for line in lines)
        worker.clock.advance(61)
        await until(pilot, lambda: "38:59" in text_of(app))


async def test_refreshing_is_for_oauth_and_revealing_for_values():
    """What does not apply is greyed, and says why."""
    worker = oauth_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "only OAuth credentials have tokens" in text_of(app))
        await pilot.press("down", "V")
        await until(pilot, lambda: "its tokens are never shown" in text_of(app))
        await pilot.press("r")
        await until(pilot, lambda: "GITLAB_OAUTH has new tokens" in text_of(app))
        await pilot.press("down", "r")
        await until(pilot, lambda: "has to be connected anew" in text_of(app))
        await pilot.press("down", "s")
        await until(pilot, lambda: "signed in to on their own screen" in text_of(app))


async def test_connecting_with_a_providers_preset_asks_for_what_it_needs():
    """The key, the client id where the provider has none for everybody, then the login."""
    worker = oauth_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Connect an OAuth credential" in text_of(app))
        await type_in(pilot, "plain")
        await pilot.press("enter")
        await until(pilot, lambda: "is no OAuth credential" in text_of(app))
        await pilot.press("ctrl+u")
        await type_in(pilot, "gitlab_two")
        await pilot.press("tab", "enter", "down", "enter", "ctrl+s")
        await until(pilot, lambda: "needs a client id of your own" in text_of(app))
        await pilot.press("tab", *"client", "tab", *"hidden", "ctrl+s")
        assert "hidden" not in text_of(app)
        await until(pilot, lambda: isinstance(app.screen, SignInDialog))
        worker.lent.connected()
        await until(pilot, lambda: "GITLAB_TWO is connected" in text_of(app))
    (asked,) = worker.lent.started
    assert (asked.key, asked.provider, asked.client_id, asked.client_secret, asked.headless) == (
        "GITLAB_TWO", "gitlab", "client", "hidden", True
    )  # fmt: skip


async def test_an_issuer_and_urls_of_ones_own_are_asked_for_only_where_they_count():
    """Lines appear with the choice of the provider, and are checked."""
    app = console(oauth_worker())
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Connect an OAuth credential" in text_of(app))
        assert "token URL" not in text_of(app)
        await type_in(pilot, "own")
        await pilot.press("tab", "enter", "down", "down", "enter", "ctrl+s")
        await until(pilot, lambda: "Name the issuer" in text_of(app))
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: "token URL" in text_of(app) and "sign-in URL" in text_of(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Name the token URL" in text_of(app))


async def test_connecting_anew_keeps_the_client_and_client_credentials_need_nobody():
    """One choice; with client credentials there is nothing to wait for."""
    worker = oauth_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot, downs=2)
        await pilot.press("c")
        await until(pilot, lambda: "Connect NOTION_OAUTH anew" in text_of(app))
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: "NOTION_OAUTH is connected" in text_of(app))
    (asked,) = worker.lent.started
    assert (asked.key, asked.provider, asked.grant) == ("NOTION_OAUTH", "", "client_credentials")


async def test_tokens_of_a_credential_are_pasted_masked():
    """With the provider at which they are refreshed."""
    worker = oauth_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_credentials(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "Connect an OAuth credential" in text_of(app))
        await type_in(pilot, "pasted")
        for id, value in (("#how", "paste"), ("#access-token", "at-1"), ("#expires-in", "x")):
            app.screen.query_one(id).value = value  # type: ignore[attr-defined]
        await until(pilot, lambda: "access token" in text_of(app))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "a number of seconds" in text_of(app))
        assert "at-1" not in text_of(app)
        app.screen.query_one("#expires-in").value = "3600"  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "PASTED is connected" in text_of(app))
    (asked,) = worker.asked("POST", "/v1/credentials/oauth/tokens")
    assert (asked.key, asked.provider, asked.access_token, asked.expires_in) == (
        "PASTED", "anthropic", "at-1", 3600.0
    )  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_health_board_shows_every_login_and_refreshes_one(size: tuple[int, int]):
    """Credentials and accounts; the whole error of the one under the cursor."""
    worker = oauth_worker()
    worker.lent.furnish()
    app = console(worker)
    async with running(app, size) as pilot:
        await on_credentials(pilot)
        await pilot.press("b")
        parts = ("GITLAB_OAUTH", "NOTION_OAUTH", "work", "spare", "lab", "35:00")
        await until(pilot, lambda: all(part in text_of(app) for part in parts))
        await pilot.press("down")
        await until(pilot, lambda: "invalid_grant: revoked" in text_of(app))
        await pilot.press("up", "r")
        await until(pilot, lambda: worker.oauth["GITLAB_OAUTH"].refresh_count == 7)
        await pilot.press("down", "down", "r")
        await until(pilot, lambda: worker.lent.accounts[0].refresh_count == 13)
        worker.clock.advance(30)
        await until(pilot, lambda: "34:30" in text_of(app))
