"""`vault-tui claude` with a program that stands for the real one: it prints what it was given."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, CommandLine

FAR = 2_000_000_000
VAULT = "claude"
IN_VAULT = ("--vault", VAULT)
# Arguments, then what it may know; `exit-N` ends it with that status.
STAND_IN = """#!/bin/sh
printf 'argument %s\\n' "$@"
env | grep -E '^(CLAUDE|ANTHROPIC|HTTPS_PROXY|NODE_EXTRA|AGENT_VAULT_)'
case "$1" in exit-*) exit "${1#exit-}" ;; esac
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which `claude` is the stand-in."""
    directory = tmp_path_factory.mktemp("bin")
    program = directory / "claude"
    program.write_text(STAND_IN)
    program.chmod(0o755)
    return f"{directory}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(autouse=True)
def vault(vault_tui: CommandLine) -> Iterator[None]:
    """A vault for each test alone."""
    vault_tui.ok("vault", "create", VAULT)
    yield
    vault_tui.ok("vault", "delete", VAULT, "--yes")


@pytest.fixture
def accounts(vault_tui: CommandLine, vault: None) -> None:
    """Two accounts in the pool."""
    for email, more in (("ada@example.com", ()), ("bob@example.com", ("--pool",))):
        tokens = json.dumps({"access_token": f"sk-{email}", "expires_at": FAR})
        add = ("account", "add", "--paste-tokens", "--email", email, *IN_VAULT)
        vault_tui.ok(*add, *more, stdin=tokens)


def variables(shown: str) -> dict[str, str]:
    """The environment that the stand-in has printed."""
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def test_without_an_account_a_script_is_told_how(vault_tui: CommandLine, path: str) -> None:
    """Nothing runs, and nothing is created."""
    done = vault_tui("claude", "hello", *IN_VAULT, PATH=path)
    assert done.returncode == 1
    assert "vault-tui claude --auth" in done.stderr
    assert json.loads(vault_tui.ok("service", "list", "--json", *IN_VAULT))["services"] == []


def test_accounts_without_a_pool_are_told(
    vault_tui: CommandLine, path: str, accounts: None
) -> None:
    """With the command that makes one, which works."""
    vault_tui.ok("pool", "delete", "ANTHROPIC", "--yes", *IN_VAULT)
    done = vault_tui("claude", *IN_VAULT, PATH=path)
    assert done.returncode != 0
    assert "`vault-tui pool create ANTHROPIC ada`" in done.stderr
    vault_tui.ok("pool", "create", "ANTHROPIC", "ada", *IN_VAULT)
    assert vault_tui("claude", *IN_VAULT, PATH=path).returncode == 0


def test_it_runs_the_program_with_a_placeholder(
    vault_tui: CommandLine, path: str, accounts: None
) -> None:
    """Arguments go through in order, models too; services are made once, after saying so."""
    arguments = ("-p", "say hi", "--model", "opus", "--", "--use", "x")
    done = vault_tui("claude", *IN_VAULT, *arguments, PATH=path, ANTHROPIC_MODEL="haiku")
    assert done.returncode == 0, done.stderr
    given = [line[9:] for line in done.stdout.splitlines() if line.startswith("argument ")]
    assert given == ["-p", "say hi", "--model", "opus", "--use", "x"]
    seen = variables(done.stdout)
    assert seen["CLAUDE_CODE_OAUTH_TOKEN"] == "__PLACEHOLDER__"
    assert seen["ANTHROPIC_MODEL"] == "haiku"
    assert Path(seen["NODE_EXTRA_CA_CERTS"]).is_absolute()
    assert f":{VAULT}@" in seen["HTTPS_PROXY"]
    assert "sk-ada" not in done.stdout
    assert "api.anthropic.com, platform.claude.com, mcp-proxy.anthropic.com" in done.stderr
    services = json.loads(vault_tui.ok("service", "list", "--json", *IN_VAULT))["services"]
    assert {one["name"]: one.get("capture", False) for one in services} == {
        "anthropic-api": False,
        "claude-platform": True,
        "claude-mcp": False,
    }
    again = vault_tui("claude", *IN_VAULT, PATH=path)
    assert "services" not in again.stderr


def test_a_session_of_one_account(
    vault_tui: CommandLine, path: str, accounts: None, tmp_path: Path
) -> None:
    """By any of its names; an unknown one starts nothing. A login at a gateway is told."""
    from proxy_core.client import calls
    from proxy_core.client.sync_client import SyncClient
    from proxy_core.client.target import Target

    stored = {
        "enterpriseGateway": {"url": "https://corp.test/claude", "jwt": "s3cret"},
        "gatewayTrust": {"corp.test": "ab"},
    }
    (tmp_path / ".credentials.json").write_text(json.dumps(stored))
    more = {"PATH": path, "CLAUDE_CONFIG_DIR": str(tmp_path)}
    done = vault_tui("claude", "--use", "bob", "exit-7", *IN_VAULT, **more)
    assert done.returncode == 7
    assert "signed in to a gateway" in done.stderr
    assert "s3cret" not in done.stderr
    assert vault_tui("claude", "--use", "nobody", *IN_VAULT, PATH=path).returncode == 4
    client = SyncClient(Target(socket=vault_tui.home / "worker.sock", token=vault_tui.token))
    assert client.send(calls.sessions(VAULT)).sessions == []


def test_an_account_whose_login_has_ended(vault_tui: CommandLine, path: str) -> None:
    """It is told before the program starts, with the command that signs in anew."""
    tokens = json.dumps({"access_token": "sk-x", "expires_at": int(time.time()) - 1})
    vault_tui.ok("account", "add", "--paste-tokens", "--nickname", "old", *IN_VAULT, stdin=tokens)
    assert vault_tui("account", "refresh", "old", *IN_VAULT).returncode == 1
    done = vault_tui("claude", "--use", "old", "hello", *IN_VAULT, PATH=path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The login of account old has ended" in done.stderr
    assert "`vault-tui claude --auth --use old`" in done.stderr


@pytest.mark.parametrize(
    "variable", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"]
)
def test_variables_that_win_are_told(
    vault_tui: CommandLine, path: str, accounts: None, variable: str
) -> None:
    """Without their values; the token of somebody's own is replaced."""
    more = {variable: "some-value", "CLAUDE_CODE_OAUTH_TOKEN": "sk-real"}
    done = vault_tui("claude", *IN_VAULT, PATH=path, **more)
    assert f"{variable} is set" in done.stderr
    assert "some-value" not in done.stderr
    assert variables(done.stdout)["CLAUDE_CODE_OAUTH_TOKEN"] == "__PLACEHOLDER__"


def test_accounts_are_listed_renamed_and_removed(vault_tui: CommandLine, accounts: None) -> None:
    """The default, unless another one is named."""
    listed = vault_tui.ok("claude", "--accounts", *IN_VAULT)
    assert "ada *" in listed
    said = vault_tui.ok("claude", "--nickname", "personal", *IN_VAULT)
    assert said == "ada is called personal now.\n"
    vault_tui.ok("claude", "--nickname", "ada", "--use", "personal", *IN_VAULT)
    assert vault_tui("claude", "--logout", *IN_VAULT).returncode == 2
    said = vault_tui.ok("claude", "--logout", "--use", "bob", "--yes", *IN_VAULT)
    assert "vault-tui account remove bob --undo" in said
    assert "bob" not in vault_tui.ok("claude", "--accounts", *IN_VAULT)


def test_signing_in_headless(vault_tui: CommandLine) -> None:
    """The same as `account add`: it shows where to go, and waits for what is pasted."""
    with subprocess.Popen(
        [*PROGRAM, "claude", "--auth", "--add", "--headless", *IN_VAULT],
        env=vault_tui.environment(VAULT_TUI_TOKEN=vault_tui.token, PYTHONUNBUFFERED="1"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        shown = next(line for line in process.stderr if "https://" in line)
        assert "https://claude.com/cai/oauth/authorize?" in shown
        process.terminate()


def test_what_does_not_go_together(vault_tui: CommandLine, path: str) -> None:
    """Is told, before anything happens."""
    for arguments in (
        ("--accounts", "--logout"),
        ("--auth", "--logout"),
        ("--accounts", "a prompt"),
        ("--nickname", "x", "a prompt"),
    ):
        assert vault_tui("claude", *arguments, *IN_VAULT, PATH=path).returncode == 2


def test_without_the_program(vault_tui: CommandLine, tmp_path: Path) -> None:
    """127, and how to install it."""
    done = vault_tui("claude", *IN_VAULT, PATH=str(tmp_path))
    assert done.returncode == 127
    assert "@anthropic-ai/claude-code" in done.stderr
