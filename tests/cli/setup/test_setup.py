"""`vault-tui setup` over a real worker, with a home of the user's own."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends import fail

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from tests.cli.conftest import FOREIGN, CommandLine
from vault_tui.cli.root import run
from vault_tui.cli.setup.setup_claude import past_gateway
from vault_tui.cli.setup.setup_generic import line
from vault_tui.cli.setup.setup_worker import agent_name

VAULT = "setup"


class User:
    """Someone who sets programs up, in this process: starting one takes a quarter of a second."""

    def __init__(self, home: Path, vault_tui: CommandLine, capture: pytest.CaptureFixture[str]):
        self.home = home
        self.worker = SyncClient(
            Target(socket=vault_tui.home / "worker.sock", token=vault_tui.token)
        )
        self._capture = capture
        self.said = ""

    def setup(self, *arguments: str, expect: int = 0) -> str:
        """Standard output; what is on stderr is in `said`."""
        more = () if "--undo" in arguments else ("--vault", VAULT)
        code = run(["setup", *arguments, *more])
        out, self.said = self._capture.readouterr()
        assert code == expect, self.said
        return out

    def text(self, name: str) -> str:
        return (self.home / name).read_text()

    def json(self, name: str) -> Any:
        return json.loads(self.text(name))

    def services(self) -> dict[str, Any]:
        found = self.worker.send(calls.services(VAULT)).services
        return {one["name"]: one for one in found}

    def agents(self) -> list[str]:
        return [one.name for one in self.worker.send(calls.agents()).agents]

    def files(self) -> list[str]:
        found = (path for path in self.home.rglob("*") if path.is_file())
        return sorted(str(path.relative_to(self.home)) for path in found)


@pytest.fixture
def user(
    vault_tui: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[User]:
    """A user with an empty home, and a vault for each test alone."""
    for name in list(os.environ):
        if name.upper().startswith((*FOREIGN, "ANTHROPIC", "CLAUDE", "XDG_CONFIG", "GIT_CONFIG")):
            monkeypatch.delenv(name)
    home = tmp_path / "user"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("VAULT_TUI_HOME", str(vault_tui.home))
    monkeypatch.setenv("VAULT_TUI_TOKEN", vault_tui.token)
    backend = fail.Keyring()  # type: ignore[no-untyped-call] # keyring's metaclass
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    made = User(home, vault_tui, capsys)
    made.worker.send(calls.create_vault(VAULT))
    yield made
    for tool in ("claude-code", "codex", "cursor", "git", "docker"):
        run(["setup", tool, "--undo"])
    run(["auth", "logout"])
    made.worker.send(calls.delete_vault(VAULT))


def test_claude_code_by_proxy_and_back(user: User) -> None:
    """Files, services and a token; nothing a second time; all of the files taken back."""
    claude = user.home / ".claude.json"
    claude.write_text('{"numStartups": 3}')
    user.setup("claude-code", "--mode", "proxy")
    env = user.json(".claude/settings.json")["env"]
    token = env["HTTPS_PROXY"].removeprefix("http://").partition(":")[0]
    assert token.startswith("vt_agt_")
    assert Path(env["NODE_EXTRA_CA_CERTS"]).read_text().startswith("-----BEGIN")
    assert user.json(".claude.json") == {"numStartups": 3, "hasCompletedOnboarding": True}
    assert set(user.services()) == {"anthropic-api", "claude-platform", "claude-mcp"}
    assert "holds the agent's token" in user.said
    assert "vault-tui run -- claude" in user.said
    assert "vault-tui account add" in user.said
    assert token not in user.said
    (agent,) = user.agents()
    assert agent.startswith("claude-code-")
    before = user.files()
    assert "nothing to do" in user.setup("claude-code")
    assert (user.files(), user.agents()) == (before, [agent])
    user.setup("claude-code", "--undo")
    assert user.files() == [".claude.json"]
    assert claude.read_text() == '{"numStartups": 3}'
    assert user.agents() == []
    assert "nothing to undo" in user.setup("claude-code", "--undo")


def test_a_dry_run_changes_nothing(user: User) -> None:
    """It shows files and services, and no secret of either."""
    path = user.home / ".claude" / ".credentials.json"
    path.parent.mkdir()
    path.write_text('{"claudeAiOauth": {"accessToken": "real-one", "refreshToken": "other"}}')
    shown = user.setup("claude-code", "--mode", "proxy", "--dry-run")
    assert "# Vault setup: a service for api.anthropic.com, as base URL /anthropic." in shown
    assert '+    "HTTPS_PROXY": "http://[redacted ' in shown
    assert "real-one" not in shown + user.said
    assert "holds a login of its own" in user.said
    assert "vt_agt" not in shown
    assert user.files() == [".claude/.credentials.json"]
    assert (user.services(), user.agents()) == ({}, [])


def test_a_token_that_has_ended_is_replaced(user: User) -> None:
    """The agent keeps its name; the first backup is the one that counts."""
    user.setup("claude-code", "--mode", "proxy")
    (agent,) = user.agents()
    old = user.text(".claude/settings.json")
    user.worker.send(calls.rotate_agent(agent))
    user.setup("claude-code")
    assert user.text(".claude/settings.json") != old
    assert user.agents() == [agent]
    user.setup("claude-code", "--undo")
    assert user.files() == []


def test_claude_code_by_gateway(user: User) -> None:
    """A base URL that leads somewhere, and a helper that has a token to print."""
    user.setup("claude-code")
    settings = user.json(".claude/settings.json")
    base = settings["env"]["ANTHROPIC_BASE_URL"]
    assert base.endswith("/anthropic")
    assert user.services()["anthropic-api"]["gateway"]["prefix"] == "anthropic"
    assert user.agents() == []
    printed = subprocess.run(
        settings["apiKeyHelper"], shell=True, capture_output=True, text=True, timeout=60
    )
    assert printed.stdout.startswith("vt_sess_"), printed.stderr
    assert user.worker.send(calls.sessions(VAULT)).sessions
    user.setup("claude-code", "--mode", "proxy", expect=1)
    assert "set up in mode gateway" in user.said
    user.setup("claude-code", "--undo")
    assert user.files() == []


def test_a_session_of_its_own_goes_past_the_gateway(user: User) -> None:
    """`vault-tui claude --use NAME` would else be answered with another account's token."""
    home = Home(Path(os.environ["VAULT_TUI_HOME"]))
    assert past_gateway(home, ["-p", "hi"]) == []
    user.setup("claude-code")
    option, text = past_gateway(home, ["-p", "hi"])
    assert option == "--settings"
    assert json.loads(text) == {"env": {"ANTHROPIC_BASE_URL": ""}, "apiKeyHelper": ""}
    assert past_gateway(home, ["--settings", "own.json"]) == []
    user.setup("claude-code", "--undo")
    assert past_gateway(home, ["-p", "hi"]) == []


def test_an_operators_own_service_gets_the_prefix(user: User) -> None:
    """It stays as it is otherwise, and no second one is made for its host."""
    auth = {"type": "bearer", "token": "TEAM_KEY"}
    own = {"name": "team", "host": "api.anthropic.com", "auth": auth}
    user.worker.send(calls.upsert_services([own], VAULT))
    user.setup("claude-code")
    services = user.services()
    assert "anthropic-api" not in services
    assert services["team"]["auth"] == auth
    assert services["team"]["gateway"]["prefix"] == "anthropic"


def test_what_wins_over_the_vault_is_told(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment and of the file; never its value."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    path = user.home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text('{"env": {"ANTHROPIC_AUTH_TOKEN": "other-secret"}}')
    user.setup("claude-code", "--dry-run")
    assert "ANTHROPIC_API_KEY is set in the environment" in user.said
    assert f"ANTHROPIC_AUTH_TOKEN is set in {path}" in user.said
    assert "secret" not in user.said


@pytest.mark.parametrize("text", ["{", '{"env": []}', '{"env": {}} // mine'])
def test_a_file_that_cannot_be_merged_into_is_left_alone(user: User, text: str) -> None:
    """Nothing else is done either: no service, no agent, no other file."""
    path = user.home / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(text)
    user.setup("claude-code", "--mode", "proxy", expect=1)
    assert "was left as it is" in user.said
    assert (path.read_text(), user.files()) == (text, [".claude/settings.json"])
    assert (user.services(), user.agents()) == ({}, [])


def test_codex_and_docker(user: User) -> None:
    """A service for the API, and what its key is to be stored with; each program has a token."""
    user.setup("codex", "--mode", "proxy")
    assert "vault-tui credential set OPENAI_API_KEY" in user.said
    assert set(user.services()) == {"openai"}
    user.setup("docker")
    assert "host.docker.internal" in user.said
    assert [name.rpartition("-")[0].partition("-")[0] for name in user.agents()] == [
        "codex",
        "docker",
    ]


def test_git_takes_the_hosts_of_the_vault(user: User) -> None:
    """Or those that are named; without any there is nothing to be set up."""
    user.setup("git", expect=2)
    assert "github-git" in user.said
    auth = {"type": "basic", "username": "U", "password": "P"}
    service = {"name": "forge", "host": "git.example", "auth": auth}
    user.worker.send(calls.upsert_services([service], VAULT))
    user.setup("git")
    assert '[http "https://git.example/"]' in user.text(".gitconfig")
    assert "without a user name" in user.said
    user.setup("git", "--host", "Other.Example")
    assert '[http "https://other.example/"]' in user.text(".gitconfig")
    user.setup("git", "--undo")
    assert user.files() == []


def test_generic_prints_variables(user: User) -> None:
    """For a shell, and for other readers; by proxy or as base URLs."""
    shown = user.setup("generic", "--shell", "fish")
    assert "set -gx HTTPS_PROXY 'http://vt_sess_" in shown
    found = json.loads(user.setup("generic", "--json"))
    assert found["variables"]["AGENT_VAULT_VAULT"] == VAULT
    user.setup("generic", "--mode", "gateway", expect=4)
    user.setup("codex", "--mode", "gateway")
    found = json.loads(user.setup("generic", "--mode", "gateway", "--json"))["variables"]
    assert found["OPENAI_BASE_URL"].endswith("/openai/v1")
    assert found["OPENAI_API_KEY"].startswith("vt_sess_")


def test_what_does_not_go_together(user: User) -> None:
    """Is told, before anything happens."""
    user.setup("generic", "--undo", expect=2)
    user.setup("cursor", "--json", expect=2)
    user.setup("cursor", "--mode", "gateway", expect=2)
    assert (user.files(), user.services()) == ([], {})


def test_undo_without_the_worker(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are as they were; the agent is told, and how to delete it."""
    user.setup("cursor")
    (agent,) = user.agents()

    def gone(*_: object) -> None:
        raise VaultError("no_worker")

    with monkeypatch.context() as without:
        without.setattr(SyncClient, "send", gone)
        user.setup("cursor", "--undo")
    assert f"vault-tui agent delete {agent}" in user.said
    assert user.files() == []
    user.worker.send(calls.delete_agent(agent))


def test_lines_for_shells() -> None:
    """A quote in a value ends nothing."""
    assert line("sh", "A", "it's") == "export A='it'\"'\"'s'"
    assert line("fish", "A", "it's\\") == "set -gx A 'it\\'s\\\\'"
    assert line("pwsh", "A", "it's") == "$Env:A = 'it''s'"


def test_agents_are_named_after_program_and_machine() -> None:
    """Always a slug."""
    assert agent_name("codex", "Laptop_7.example.org") == "codex-laptop-7"
    assert agent_name("git", "x" * 90) == "git-" + "x" * 56
