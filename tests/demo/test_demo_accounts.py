"""The demo's logins: accounts with quota, an OAuth credential, and a switch between accounts."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from vault_tui.demo.cast import PLAYERS
from vault_tui.demo.script import Step
from vault_tui.demo.stage import Stage, set_stage
from vault_tui.demo.worker import operator_client


@pytest.fixture
async def stage() -> AsyncIterator[tuple[Stage, SyncClient]]:
    """The stage before anybody plays, and an operator."""
    with tempfile.TemporaryDirectory(prefix="vt-") as name:
        home = Home(Path(name) / "home")
        async with set_stage(home) as found:
            yield found, await asyncio.to_thread(operator_client, home)


def message() -> Step:
    """A request of an agent to Claude."""
    player = PLAYERS[0]
    offer = next(offer for offer in player.offers if offer.path == "/v1/messages")
    return Step(0, 0.0, player, offer, offer.path, 200, "", 1)


async def test_every_login_is_connected_and_its_quota_known(
    stage: tuple[Stage, SyncClient],
) -> None:
    """Before the first request: two accounts in the pool, one apart and used up."""
    _, client = stage
    accounts = (await asyncio.to_thread(client.send, calls.accounts())).accounts
    assert [(a.nickname, a.state, a.pools) for a in accounts] == [
        ("work", "active", ["ANTHROPIC"]),
        ("spare", "active", ["ANTHROPIC"]),
        ("lab", "exhausted", []),
    ]
    windows = {window.name: window for window in accounts[0].windows}
    assert set(windows) == {"5h", "7d", "7d_opus"}
    assert windows["5h"].warns
    assert windows["7d_opus"].resets_at is None
    credentials = (await asyncio.to_thread(client.send, calls.credentials())).credentials or []
    found = {credential.key: credential for credential in credentials}
    assert (found["GITLAB_OAUTH"].type, found["GITLAB_OAUTH"].state) == ("oauth", "ok")
    assert found["ANTHROPIC"].type == "pool"


async def test_requests_go_on_through_a_switch_and_a_refresh(
    stage: tuple[Stage, SyncClient],
) -> None:
    """The play's clock is put forward: the next request is another account's."""
    found, client = stage
    actor, issuer = found.actors["claude-refactor"], found.upstream.issuer
    assert (await actor.perform(message())).status == 200
    issuer.started -= 110
    assert (await actor.perform(message())).status == 200  # tells that little is left
    refreshes = issuer.refreshes
    await asyncio.to_thread(client.send, calls.refresh_account("spare"))
    assert issuer.refreshes == refreshes + 1
    assert (await actor.perform(message())).status == 200
    choices = await asyncio.to_thread(client.send, calls.pool_choices("ANTHROPIC"))
    assert [choice.account for choice in choices.latest][:2] == ["spare", "work"]
    assert found.seen.wrong == found.seen.leaks == 0


async def test_a_refresh_token_is_good_for_one_refresh(stage: tuple[Stage, SyncClient]) -> None:
    """As with providers that rotate them; another host's tokens are not taken at all."""
    issuer = stage[0].upstream.issuer
    refresh = issuer.tokens("GITLAB_OAUTH")["refresh_token"]
    body = f"grant_type=refresh_token&refresh_token={refresh}".encode()
    assert issuer.answer_token_request("gitlab.com", body)[0] == 200
    assert issuer.answer_token_request("gitlab.com", body)[0] == 400
    other = issuer.tokens("work")["refresh_token"]
    asked = f"grant_type=refresh_token&refresh_token={other}".encode()
    assert issuer.answer_token_request("gitlab.com", asked)[0] == 400
