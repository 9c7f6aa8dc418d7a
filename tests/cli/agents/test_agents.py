"""`agent` and `session`: what they may use, which account, and how they end."""

import json
from collections.abc import Callable

import pytest

from tests.cli.conftest import CommandLine
from vault_tui.cli import root

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    vault_tui: CommandLine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command in this process, as an operator's script; its status and what it says."""
    for name, value in vault_tui.environment(VAULT_TUI_TOKEN=vault_tui.token).items():
        monkeypatch.setenv(name, value)

    def carry_out(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = root.run(arguments)
        said = capsys.readouterr()
        return status, said.out or said.err

    return carry_out


@pytest.fixture
def furnished(run: Run) -> Run:
    """Two services in a vault of its own, gone afterwards."""
    assert run("vault", "create", "agents-lab")[0] == 0
    for name in ("github", "slack"):
        host = ("--name", name, "--host", f"{name}.example", "--vault", "agents-lab")
        assert run("service", "add", *host, "--auth", "passthrough")[0] == 0
    return run


def test_grants_are_given_changed_and_taken_away(furnished: Run) -> None:
    """With services or without; what a command does not name stays."""
    run = furnished
    lab = "agents-lab"
    wanted = ("--vault", lab, "--services", "github", "--json")
    status, said = run("agent", "create", "cli-bot", *wanted)
    assert status == 0
    made = json.loads(said)
    assert made["av_agent_token"].startswith("vt_agt_")
    assert made["vaults"] == [{"vault_name": lab, "vault_role": "proxy", "services": ["github"]}]
    assert f"{lab}:proxy (github)" in run("agent", "info", "cli-bot")[1]
    assert run("agent", "grant", "cli-bot") == (
        0,
        "Agent cli-bot may use vault default with role proxy.\n",
    )
    assert run("agent", "grant", "cli-bot")[0] == 1
    changed = json.loads(
        run("agent", "grant", "cli-bot", "--vault", lab, "--services", "slack,github", "--json")[1]
    )
    assert changed["services"] == ["github", "slack"]
    assert run("agent", "grant", "cli-bot", "--vault", f"{lab}:member")[0] == 2
    status, said = run("agent", "grant", "cli-bot", "--vault", f"{lab}:member", "--all-services")
    assert (status, said) == (0, f"Agent cli-bot may now use vault {lab} with role member.\n")
    assert run("agent", "revoke-grant", "cli-bot", "--vault", lab)[0] == 0
    assert run("agent", "revoke-grant", "cli-bot", "--vault", lab)[0] == 4
    assert run("agent", "role", "cli-bot", "member") == (
        0,
        "Agent cli-bot is member now; it was no-access.\n",
    )
    (row,) = [
        one
        for one in json.loads(run("agent", "list", "--json")[1])["agents"]
        if one["name"] == "cli-bot"
    ]
    assert ([one["vault_name"] for one in row["vaults"]], row["role"]) == (["default"], "member")
    assert run("agent", "delete", "cli-bot", "--yes")[0] == 0
    assert run("vault", "delete", lab, "--yes")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "x-bot", "--vault", "a", "--vault", "b", "--services", "s"),
        ("create", "x-bot", "--services", " , "),
        ("grant", "x-bot", "--services", "a", "--all-services"),
        ("role", "x-bot", "king"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    """Before anything is asked of the worker."""
    assert run("agent", *arguments)[0] == 2


def test_pins_name_an_account_that_exists(run: Run) -> None:
    """Unknown accounts and agents are not found; a pin that is not there can be taken away."""
    assert run("agent", "create", "pin-bot")[0] == 0
    assert run("agent", "pin", "pin-bot", "nobody")[0] == 4
    assert run("agent", "unpin", "pin-bot") == (0, "Agent pin-bot uses any account again.\n")
    assert run("agent", "unpin", "not-there")[0] == 4
    assert run("agent", "delete", "pin-bot", "--yes")[0] == 0


def test_a_sessions_life(run: Run) -> None:
    """Minted with a token of its own, listed, revoked; its time has limits."""
    assert run("session", "create", "--ttl", "299")[0] == 2
    assert run("session", "create", "--ttl", "604801")[0] == 2
    made = json.loads(run("session", "create", "--ttl", "300", "--label", "nightly", "--json")[1])
    assert made["token"].startswith("vt_sess_")
    status, token = run("session", "create")
    assert (status, token.startswith("vt_sess_"), token.count("\n")) == (0, True, 1)
    listed = json.loads(run("session", "list", "--json")[1])["sessions"]
    (found,) = [one for one in listed if one["id"] == made["id"]]
    assert (found["label"], found["requests_today"], found["connections"]) == ("nightly", 0, 0)
    assert "nightly" in run("session", "list")[1]
    assert made["token"] not in run("session", "list", "--json")[1]
    assert run("session", "revoke", made["id"])[0] == 0
    assert run("session", "revoke", made["id"])[0] == 4
