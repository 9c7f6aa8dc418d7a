"""Agents: create, rotate, rename, grant, take, role, pin, revoke; tokens are shown once."""

import pytest
from textual.pilot import Pilot

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from tests.console.fake_agents import TOKEN
from tests.console.fake_worker import PASSWORD, FakeWorker, furnished, record
from tests.console.harness import console, running, text_of, until
from tests.console.test_credentials_screen import type_in
from tests.console.test_hostile_text import HOSTILE, check
from vault_tui.agent_lists import read_agents
from vault_tui.app import ConsoleApp
from vault_tui.live import effect_of
from vault_tui.screens.agent_flows import cut
from vault_tui.screens.agent_form import AgentForm, GrantForm, names_of
from vault_tui.screens.agent_token import TokenDialog
from vault_tui.screens.ask import AskText, Choose
from vault_tui.screens.confirm import Confirm


def agents_worker() -> FakeWorker:
    """An operator's worker with four agents and a session."""
    worker = furnished()
    worker.operator = True
    worker.lent.furnish()
    worker.staff.furnish()
    return worker


async def on_agents(pilot: Pilot[int | None], *keys: str, wanted: str = "ci") -> None:
    """Go to the screen, and press more."""
    await pilot.press("7")
    await until(pilot, lambda: f" {wanted} " in text_of(pilot.app))
    await pilot.press(*keys)


async def shown(pilot: Pilot[int | None], kind: type) -> None:
    """Wait until a dialog of this kind is in front."""
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    await pilot.pause()


async def confirmed(pilot: Pilot[int | None], *said: str) -> None:
    """A danger confirmation that says these things; Enter alone would cancel it."""
    await shown(pilot, Confirm)
    text = " ".join(text_of(pilot.app).replace("│", " ").split())
    for words in said:
        assert words in text
    await pilot.press("right", "enter")


async def test_what_is_told_of_agents_and_sessions():
    """Grants, account, times, open connections, requests today; the detail has the rest."""
    app = console(agents_worker())
    async with running(app, (200, 60)) as pilot:
        await on_agents(pilot)
        await until(pilot, lambda: "3 connections" in text_of(app))
        text = text_of(app)
        for words in ("default (github, slack-bot)", "default:proxy, staging:member", "1284",
                      "nothing", "run pytest", "expired", "work"):  # fmt: skip
            assert words in text, words
        await pilot.press("G")
        await until(pilot, lambda: "operator ada" in text_of(app))


async def test_creating_shows_the_token_once_and_copies_by_a_second_key(
    monkeypatch: pytest.MonkeyPatch,
):
    """With the ready-made command line; what the worker refuses can be corrected in the form."""
    worker = furnished()
    app = console(worker)
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with running(app) as pilot:
        await pilot.press("7")
        await until(pilot, lambda: "No agents yet" in text_of(app))
        worker.staff.agent("taken")
        await pilot.press("a")
        await shown(pilot, AgentForm)
        await type_in(pilot, "x")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "3 to 64" in text_of(app))
        await pilot.press("home")
        await type_in(pilot, "take")
        await pilot.press("delete")
        await type_in(pilot, "n")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Unlock" in text_of(app))
        await type_in(pilot, PASSWORD)
        await pilot.press("enter")
        await until(pilot, lambda: "exists already" in text_of(app))
        await shown(pilot, AgentForm)
        await pilot.press("end")
        await type_in(pilot, "-bot")
        chosen = {"lifetime": "604800", "instance": "member", "services": "github, slack-bot"}
        for field, value in chosen.items():
            app.screen.query_one(f"#{field}").value = value  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        await shown(pilot, TokenDialog)
        assert TOKEN in text_of(app)
        line = f"HTTPS_PROXY=http://{TOKEN}:default@127.0.0.1:14322 SSL_CERT_FILE=ca.pem CMD"
        await pilot.press("enter", "Y")
        assert copied == []
        await pilot.press("Y", "C")
        await until(pilot, lambda: copied == [TOKEN])
        await pilot.press("C")
        await until(pilot, lambda: copied == [TOKEN, line])
        dialog = app.screen
        assert isinstance(dialog, TokenDialog)
        await pilot.press("escape")
        await until(pilot, lambda: TOKEN not in text_of(app) and "taken-bot" in text_of(app))
        assert TOKEN not in repr(vars(dialog))
        (body,) = worker.asked("POST", "/v1/agents")[-1:]
        assert (body.name, body.role, body.ttl_seconds) == ("taken-bot", "member", 604800)
        (grant,) = body.vaults
        assert (grant.vault_name, grant.vault_role) == ("default", "proxy")
        assert grant.services == ["github", "slack-bot"]


async def test_rotating_says_what_is_cut_and_shows_the_new_token():
    """The confirmation starts on Cancel."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot, "r")
        await shown(pilot, Confirm)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        await pilot.press("r")
        await confirmed(pilot, "Rotate the token of ci?", "its 3 open connections are cut")
        await shown(pilot, TokenDialog)
        assert TOKEN in text_of(app)
        assert len(worker.asked("POST", "/v1/agents/ci/rotate")) == 1


async def test_renaming_and_another_role():
    """A name that is none is complained about before it is sent."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot, "n")
        await shown(pilot, AskText)
        await pilot.press("underscore", "enter")
        await until(pilot, lambda: "must be 3 to 64" in text_of(app))
        await pilot.press("backspace", *"ci-two", "enter")
        await until(pilot, lambda: " ci-two " in text_of(app))
        await pilot.press("o")
        await shown(pilot, Choose)
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: worker.staff.agents[0].role == "owner")


async def test_granting_a_vault_and_some_services():
    """A new grant, and one that is there; unknown services are corrected in the form."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot, "m")
        await shown(pilot, Choose)
        await until(pilot, lambda: "nothing yet" in text_of(app))
        await pilot.press("down", "enter")
        await shown(pilot, GrantForm)
        await pilot.press("tab")
        await type_in(pilot, "unknown")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "has no service unknown" in text_of(app))
        await shown(pilot, GrantForm)
        await pilot.press("tab", "end", *["backspace"] * 7)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: len(worker.staff.agents[0].vaults) == 2)
        assert worker.staff.agents[0].vaults[1].vault_name == "staging"
        await pilot.press("m")
        await shown(pilot, Choose)
        await pilot.press("enter")
        await shown(pilot, GrantForm)
        assert "github, slack-bot" in text_of(app)
        app.screen.query_one("#services").value = "github"  # type: ignore[attr-defined]
        await pilot.press("ctrl+s")
        path = "/v1/vaults/default/agents/ci/role"
        await until(pilot, lambda: bool(worker.asked("POST", path)))
        (body,) = worker.asked("POST", path)
        assert (body.role, body.services) == ("proxy", ["github"])


async def test_taking_a_vault_away():
    """The only grant at once, one of several after a choice; both are confirmed."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot, "x")
        await confirmed(pilot, "Take default from ci?", "its 3 open connections are cut")
        await until(pilot, lambda: worker.staff.agents[0].vaults == [])
        await until(pilot, lambda: "may not use vault default" in text_of(app))
        await pilot.press("x", "down", "x")
        await shown(pilot, Choose)
        await pilot.press("down", "down", "enter")
        await confirmed(pilot, "Take staging from claude?", "its open connection is cut")
        await until(pilot, lambda: len(worker.staff.agents[1].vaults) == 1)


async def test_pinning_to_an_account_and_back():
    """An agent, and a session, which is told by its id."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot, "down", "p")
        await shown(pilot, Choose)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: worker.staff.agents[1].account_id == "id-work")
        await pilot.press("G", "p")
        await shown(pilot, Choose)
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: worker.staff.sessions[0].account_id == "id-work")
        await pilot.press("p")
        await shown(pilot, Choose)
        await pilot.press("down", "enter")
        await until(pilot, lambda: worker.staff.sessions[0].account_id == "")


async def test_revoking_an_agent_and_a_session():
    """Each says how many connections are cut; what a session has not is refused with the reason."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot, "d")
        await confirmed(pilot, "Revoke ci?", "with its grants", "3 open connections are cut")
        await until(pilot, lambda: "ci" not in [one.name for one in worker.staff.agents])
        await pilot.press("G", "r")
        await until(pilot, lambda: "a session lasts as it was made" in text_of(app))
        await pilot.press("d")
        await confirmed(pilot, "Revoke run pytest?", "its open connection is cut")
        await until(pilot, lambda: worker.staff.sessions == [])


def test_how_many_connections_are_cut():
    """None, one, several."""
    assert cut(0) == "and no connection of it is open"
    assert cut(1) == "and its open connection is cut"
    assert cut(12) == "and its 12 open connections are cut"


def test_service_names_are_parted_by_commas_or_blanks():
    """Empty means all of them."""
    assert names_of(" github,slack  other,, ") == ["github", "slack", "other"]
    assert names_of(" , ") == []


async def test_others_changes_are_seen_at_once():
    """Events bring the list up to date, whatever vault they are about; requests bring figures."""
    worker = agents_worker()
    app = console(worker)
    async with running(app) as pilot:
        await on_agents(pilot)
        worker.staff.agent("eves-bot")
        worker.emit("agent.changed", {"name": "eves-bot", "change": "granted", "vault": "staging",
                                      "role": "proxy", "by": "operator eve"})  # fmt: skip
        await until(pilot, lambda: " eves-bot " in text_of(app))
        await until(
            pilot, lambda: "Agent eves-bot was granted staging by operator eve" in text_of(app)
        )
        worker.staff.session("elsewhere")
        worker.emit("session.created", {"name": "elsewhere", "vault": "default", "by": "x"})
        await until(pilot, lambda: " elsewhere " in text_of(app))
        worker.staff.agents[0].requests_today = 1285
        worker.finish(record(99))
        await until(pilot, lambda: "1285" in text_of(app))


def test_news_of_agents():
    """A sentence for each kind of change; sessions come and go without one."""

    def said(type: EventType, **data: str) -> str:
        effect = effect_of(Event(seq=1, type=type, at=0.0, data={"by": "ada", **data}), "default")
        assert effect.reloads == ("agents",)
        return effect.text

    changed = EventType.AGENT_CHANGED
    assert said(changed, name="a", change="renamed", old_name="b") == "Agent b is a now, says ada"
    assert (
        said(changed, name="a", change="pinned", account="w") == "a was pinned to account w by ada"
    )
    assert said(changed, name="a", change="of another version") == "Agent a was changed by ada"
    assert said(EventType.AGENT_REVOKED, name="a") == "Agent a was revoked by ada"
    assert said(EventType.SESSION_REVOKED, name="s", vault="other") == ""


async def test_who_may_not_see_all_agents_sees_those_of_the_vault():
    """A vault's member; the proxy role sees none, and no error comes of it."""
    forbidden = VaultError("role_forbidden")
    answers: dict[str, object] = {
        "/v1/agents": forbidden,
        "/v1/vaults/default/agents": wire.VaultAgentList(
            vault="default",
            agents=[
                wire.VaultAgent(
                    name="ci", agent_id="a1", vault_role="proxy", status="active", services=["x"]
                )
            ],
        ),
        "/v1/sessions": wire.SessionList(sessions=[]),
    }

    async def send(call: object) -> object:
        answer = answers[call.path]  # type: ignore[attr-defined]
        if isinstance(answer, VaultError):
            raise answer
        return answer

    agents, _ = await read_agents(send, "default")
    assert [(one.name, one.vaults[0].services) for one in agents] == [("ci", ["x"])]
    answers = dict.fromkeys(answers, forbidden)
    assert await read_agents(send, "default") == ([], [])
    answers = dict.fromkeys(answers, VaultError("database_unavailable"))
    with pytest.raises(VaultError):
        await read_agents(send, "default")


async def test_hostile_names_are_shown_and_not_obeyed():
    """Of agents, services, sessions, accounts, in the list, the detail and every dialog."""
    worker = furnished()
    worker.operator = True
    for text in HOSTILE:
        grant = wire.AgentVault(vault_name=f"v{text}", services=[f"s{text}"])
        worker.staff.agent(f"n{text}", grant, grant, role=text, account_id=f"i{text}", id=text)
        worker.staff.session(f"l{text}", id=f"i{text}", created_by=text)
    worker.lent.account(HOSTILE[0])
    app: ConsoleApp = console(worker)
    size = (80, 24)
    async with running(app, size) as pilot:
        await pilot.press("7")
        await until(pilot, lambda: "AGENT" in text_of(app))
        for key in ("r", "escape", "m", "enter", "escape", "x", "escape", "p", "escape", "d",
                    "escape", "n", "escape", "down", "down", "G"):  # fmt: skip
            await pilot.press(key)
            check(app, size)
        for text in HOSTILE:
            worker.emit("agent.changed", {"name": text, "change": "renamed", "old_name": text})
            await pilot.pause()
            check(app, size)
        assert app.is_running


async def test_read_only_consoles_look_only():
    """Nothing that changes can be started."""
    worker = agents_worker()
    app = console(worker, read_only=True)
    async with running(app) as pilot:
        await on_agents(pilot, "a", "r", "d", "x", "m", "p", "n", "o")
        assert not isinstance(app.screen, Confirm | AgentForm | Choose | AskText)
        assert all(method == "GET" for method, _, _ in worker.calls)
