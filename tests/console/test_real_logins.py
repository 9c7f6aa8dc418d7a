"""Logins in the console over a real worker and a strict token endpoint."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from textual.pilot import Pilot

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from tests.console.harness import running, text_of, until
from tests.console.test_sign_in import paste
from tests.worker.harness import ThreadedWorker
from tests.worker.oauth_provider import LiveProvider
from vault_tui.app import ConsoleApp
from vault_tui.screens.sign_in import SignInDialog
from vault_tui.state import Level
from vault_tui.worker_link import opener

FAR = 4_000_000_000


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is set up; its token endpoints may be on this machine."""
    found = ThreadedWorker(tmp_path / "home", allow_http_token_urls=True).start()
    found.init()
    yield found
    found.stop()


@pytest.fixture
def provider() -> Iterator[LiveProvider]:
    """A token endpoint that takes each refresh token once."""
    with LiveProvider() as found:
        yield found


def over(worker: ThreadedWorker) -> ConsoleApp:
    """A console of this machine's worker."""
    return ConsoleApp(opener(worker.config.home), where="here")


def sentences(app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that its status line says from now on: the worker's event may follow at once."""
    said: list[str] = []
    notice = app.notice

    def remembered(text: str, level: Level = Level.INFO) -> None:
        said.append(text)
        notice(text, level)

    monkeypatch.setattr(app, "notice", remembered)
    return said


async def send(worker: ThreadedWorker, call: Call[object]) -> None:
    """Another operator does something."""
    await asyncio.to_thread(worker.client().send, call)


async def test_an_account_is_added_by_pasting_its_tokens(
    worker: ThreadedWorker, monkeypatch: pytest.MonkeyPatch
):
    """The first one makes the pool's credential; the tokens are nowhere on the screen."""
    app = over(worker)
    said = sentences(app, monkeypatch)
    tokens = {"access_token": "sk-ant-oat01-of-a-person", "expires_at": FAR}
    async with running(app) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "No accounts yet" in text_of(app))
        await begin_paste(pilot)
        paste(app, json.dumps(tokens), "#tokens")
        paste(app, "ada@example.com", "#email")
        await pilot.pause(0.05)
        assert "sk-ant" not in text_of(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Account ada is added; it serves ANTHROPIC" in said)
        await until(pilot, lambda: "★ ada" in text_of(app) and "● active" in text_of(app))
        await until(pilot, lambda: "nothing is known of its quota yet" in text_of(app))
        await pilot.press("4")
        await until(pilot, lambda: "ANTHROPIC" in text_of(app) and "pool" in text_of(app))
    assert "sk-ant" not in (worker.config.home.path / "vault.db").read_bytes().decode("latin-1")


async def begin_paste(pilot: Pilot[int | None]) -> None:
    """The form of a new account, with pasting chosen."""
    app = pilot.app
    await pilot.press("plus")
    await until(pilot, lambda: "Add an account" in text_of(app))
    app.screen.query_one("#how").value = "paste"  # type: ignore[attr-defined]
    await pilot.press("ctrl+s")
    await until(pilot, lambda: "Tokens of the new account" in text_of(app))


async def test_a_refresh_by_somebody_else_arrives(worker: ThreadedWorker, provider: LiveProvider):
    """Its event changes the list and the detail, and the status line tells of it."""
    access, refresh = provider.seed()
    pasted = wire.PasteTokens(
        key="CI_OAUTH", access_token=access.decode(), refresh_token=refresh.decode(),
        token_url=f"http://127.0.0.1:{provider.port}/token", client_id="cli", expires_in=3600,
    )  # fmt: skip
    await send(worker, calls.paste_tokens(pasted))
    app = over(worker)
    async with running(app, (200, 60)) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: "CI_OAUTH" in text_of(app) and "times       0" in text_of(app))
        await send(worker, calls.refresh_oauth("CI_OAUTH"))
        await until(pilot, lambda: "CI_OAUTH has new tokens" in text_of(app))
        await until(pilot, lambda: "times       1" in text_of(app))
        provider.fail = [400]
        await pilot.press("r")
        await until(pilot, lambda: "▲ failing" in text_of(app))


async def connect(pilot: Pilot[int | None], provider: LiveProvider) -> SignInDialog:
    """Fill the form for a provider of one's own, and begin."""
    app = pilot.app
    await pilot.press("4")
    await until(pilot, lambda: "No credentials yet" in text_of(app))
    await pilot.press("c")
    await until(pilot, lambda: "Connect an OAuth credential" in text_of(app))
    base = f"http://127.0.0.1:{provider.port}"
    values = {
        "key": "own_oauth", "provider": "*custom", "authorization-url": f"{base}/authorize",
        "token-url": f"{base}/token", "client-id": "cli",
    }  # fmt: skip
    for id, value in values.items():
        app.screen.query_one(f"#{id}").value = value  # type: ignore[attr-defined]
    await pilot.press("ctrl+s")
    await until(pilot, lambda: "Waiting for the browser" in text_of(app))
    assert isinstance(app.screen, SignInDialog)
    return app.screen


def agreed(dialog: SignInDialog, provider: LiveProvider) -> tuple[str, str, str]:
    """Redirect address, code and state, as if a person had agreed in a browser."""
    query = parse_qs(urlsplit(dialog._flow.authorization_url).query)
    redirect = query["redirect_uri"][0]
    return redirect, provider.code(query["code_challenge"][0], redirect), query["state"][0]


async def test_a_pasted_code_connects_a_credential(
    worker: ThreadedWorker, provider: LiveProvider, monkeypatch: pytest.MonkeyPatch
):
    """From the form over the code to tokens that work."""
    app = over(worker)
    said = sentences(app, monkeypatch)
    async with running(app) as pilot:
        dialog = await connect(pilot, provider)
        _, code, state = agreed(dialog, provider)
        paste(app, f"{code}#{state}")
        await pilot.press("enter")
        await until(pilot, lambda: "OWN_OAUTH is connected" in said)
        await until(pilot, lambda: "oauth" in text_of(app) and "● ok" in text_of(app))


async def test_a_callback_that_arrives_ends_the_dialog(
    worker: ThreadedWorker, provider: LiveProvider, monkeypatch: pytest.MonkeyPatch
):
    """The browser was on this machine after all: nobody pastes anything."""
    app = over(worker)
    said = sentences(app, monkeypatch)
    async with running(app) as pilot:
        dialog = await connect(pilot, provider)
        redirect, code, state = agreed(dialog, provider)

        def browse() -> bytes:
            with urllib.request.urlopen(f"{redirect}?code={code}&state={state}") as page:
                return bytes(page.read())

        assert b"Signed in" in await asyncio.to_thread(browse)
        await until(pilot, lambda: "OWN_OAUTH is connected" in said)
        assert not isinstance(app.screen, SignInDialog)


async def test_what_is_done_to_accounts_elsewhere_is_seen_here(worker: ThreadedWorker):
    """Added, paused and pooled by another operator, each with its sentence."""
    app = over(worker)
    async with running(app) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "No accounts yet" in text_of(app))
        for name in ("ada", "bob"):
            tokens = {"access_token": f"at-{name}", "expires_at": FAR}
            email = f"{name}@example.com"
            account = wire.AddAccount(provider="claude", tokens=tokens, email=email)
            await send(worker, calls.add_account(account))
        await until(pilot, lambda: "★ ada" in text_of(app) and "in no pool" in text_of(app))
        await send(worker, calls.pause_account("ada"))
        await until(pilot, lambda: "Account ada was paused" in text_of(app))
        await until(pilot, lambda: "‖ paused" in text_of(app))
        await send(worker, calls.add_to_pool("ANTHROPIC", ["bob"]))
        await until(pilot, lambda: "of ada, bob" in text_of(app))


async def test_a_list_that_is_read_while_the_console_leaves_is_no_failure(worker: ThreadedWorker):
    """Whoever asks a closed connection is told so, as of any worker that is out of reach."""
    link = await opener(worker.config.home)()
    await link.send(calls.status())
    await link.close()
    with pytest.raises(VaultError) as caught:
        await link.send(calls.accounts())
    assert caught.value.code == "no_worker"
