"""What events about tokens, accounts and pools do: alerts, the status line, lists read again."""

from typing import Any

import pytest

from proxy_core.domain.events import Event, EventType
from tests.console.harness import console, running, text_of, until
from tests.console.test_accounts_screen import accounts_worker
from vault_tui.live import effect_of
from vault_tui.state import Level


def effect(kind: EventType, /, **data: Any) -> tuple[tuple[str, ...], Level, str]:
    """What an event of the vault `default` asks for."""
    facts = {"vault": "default", "name": "work", "by": "worker", **data}
    found = effect_of(Event(seq=1, type=kind.value, at=0.0, data=facts), "default")
    return found.reloads, found.level, found.text


@pytest.mark.parametrize(
    ("type", "data", "lists", "level", "said"),
    [
        (EventType.REFRESH_STARTED, {"account": "work"}, (), Level.INFO, ""),
        (EventType.REFRESH_SUCCEEDED, {"account": "work"}, ("accounts",), Level.INFO,
         "work has new tokens"),
        (EventType.REFRESH_SUCCEEDED, {"credential_key": "K"}, ("credentials",), Level.INFO,
         "work has new tokens"),
        (EventType.REFRESH_FAILED, {"account": "work", "failures": 1, "serving": True,
         "error": "503"}, ("accounts",), Level.ERROR,
         "Refreshing work failed (the present token still serves): 503"),
        (EventType.REFRESH_FAILED, {"account": "work", "failures": 4, "serving": True},
         ("accounts",), Level.WARNING, "no reason is known"),
        (EventType.REFRESH_FAILED, {"account": "work", "failures": 4, "serving": False},
         ("accounts",), Level.ERROR, "Refreshing work failed: "),
        (EventType.REFRESH_RECONNECT, {"credential_key": "K", "error": "invalid_grant",
         "remedy": "vault-tui credential oauth connect K"}, ("credentials",), Level.ERROR,
         "has to be connected anew: invalid_grant. vault-tui credential oauth connect K"),
        (EventType.ACCOUNT_CHANGED, {"change": "quota"}, ("accounts",), Level.INFO, ""),
        (EventType.ACCOUNT_CHANGED, {"change": "paused", "by": "eve"}, ("accounts",), Level.INFO,
         "Account work was paused by eve"),
        (EventType.ACCOUNT_SWITCHED, {"pool": "P", "former": "spare", "reason": "r"},
         ("accounts",), Level.WARNING, "P went from spare to work: r"),
        (EventType.ACCOUNT_COOLING, {"reason": "overloaded"}, ("accounts",), Level.WARNING,
         "Account work rests: overloaded"),
        (EventType.ACCOUNT_EXHAUSTED, {"until": 3600.0, "reason": "5h is used up"},
         ("accounts",), Level.ERROR, "Account work is exhausted until 01:00:00: 5h is used up"),
        (EventType.POOL_CHANGED, {"by": "eve"}, ("accounts",), Level.INFO,
         "Pool work was changed by eve"),
        (EventType.CREDENTIAL_CHANGED, {"type": "pool"}, ("credentials", "accounts"), Level.INFO,
         "Credential work was set by worker"),
    ],
)  # fmt: skip
def test_each_event_has_its_lists_its_level_and_its_sentence(
    type: EventType, data: dict[str, Any], lists: tuple[str, ...], level: Level, said: str
):
    """Quota that moves is shown and not told; what fails for good is an alert."""
    found_lists, found_level, text = effect(type, **data)
    assert (found_lists, found_level) == (lists, level)
    assert said in text if said else not text


def test_of_another_vault_alerts_alone_are_told():
    """Its accounts are not on this screen, but what fails for good must not be missed."""
    assert effect(EventType.ACCOUNT_COOLING, vault="other", reason="x") == ((), Level.INFO, "")
    lists, level, text = effect(EventType.ACCOUNT_EXHAUSTED, vault="other", reason="x")
    assert (lists, level) == ((), Level.ERROR)
    assert text.startswith("Vault other: Account work is exhausted")


@pytest.mark.parametrize(
    ("type", "level", "said"),
    [
        (EventType.WEBHOOK_FAILED, Level.WARNING, "Webhook work fails: timeout\\x1b"),
        (EventType.WEBHOOK_DISABLED, Level.ERROR, "Webhook work was switched off"),
        (EventType.WEBHOOK_CHANGED, Level.INFO, "Webhook work was added by worker"),
    ],
)
def test_how_webhooks_do_is_told(type: EventType, level: Level, said: str):
    """A receiver that fails is a warning, one that was given up an alert."""
    found = effect(type, vault="", error="timeout\x1b", change="added")
    assert found[:2] == (("status",), level)
    assert found[2].startswith(said)


def test_what_an_event_says_is_made_safe():
    """Errors and reasons are the provider's words."""
    _, _, text = effect(EventType.REFRESH_FAILED, error="a\x1b]52;c;eA==\x07b\u202e", failures=1)
    assert not any(ord(c) < 32 for c in text)
    assert "\u202e" not in text


async def test_an_exhausted_account_rings_the_bell_and_shows_a_toast(
    monkeypatch: pytest.MonkeyPatch,
):
    """On whatever screen; the accounts are read again."""
    worker = accounts_worker()
    app = console(worker)
    rung: list[bool] = []
    monkeypatch.setattr(app, "bell", lambda: rung.append(True))
    async with running(app) as pilot:
        await until(pilot, lambda: app.state.accounts is not None)
        worker.lent._put(worker.lent.accounts[0], state="exhausted")
        data = {"vault": "default", "name": "work", "until": None, "reason": "5h is used up"}
        worker.emit(EventType.ACCOUNT_EXHAUSTED, data)
        await until(pilot, lambda: "Account work is exhausted: 5h is used up" in text_of(app))
        await until(pilot, lambda: bool(rung))
        assert [notice.severity for notice in app._notifications] == ["error"]
        await pilot.press("6")
        await until(pilot, lambda: text_of(app).count("✗ exhausted") >= 2)


async def test_a_refresh_elsewhere_changes_the_card():
    """No key is pressed: the worker has refreshed by itself."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app, (200, 60)) as pilot:
        await pilot.press("6")
        await until(pilot, lambda: "times       12" in text_of(app))
        worker.lent._put(worker.lent.accounts[0], refresh_count=13)
        worker.emit(
            EventType.REFRESH_SUCCEEDED, {"vault": "default", "name": "work", "account": "work"}
        )
        await until(pilot, lambda: "times       13" in text_of(app))


async def test_another_vault_has_accounts_of_its_own():
    """Switching forgets what was shown until the new list is read."""
    worker = accounts_worker()
    app = console(worker)
    async with running(app) as pilot:
        await until(pilot, lambda: app.state.accounts is not None)
        app.switch_vault("staging")
        assert app.state.accounts is None
        await until(pilot, lambda: app.state.accounts is not None)
