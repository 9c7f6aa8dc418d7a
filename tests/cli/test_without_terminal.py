"""The command line where nothing stays unlocked: below a daemon, or with a leader out of sight."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PASSWORD, PROGRAM, CommandLine
from tests.sessions import run_leaderless

REASON = "the leader of this process's session has ended or cannot be seen"


def leaderless(
    line: CommandLine, *arguments: str, text: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command of a process without a leader, with no proof but what is given."""
    env = line.environment(**environment)
    return run_leaderless(*PROGRAM, *arguments, text=text, env=env)


@pytest.fixture
def line(bare: CommandLine) -> Iterator[CommandLine]:
    """A worker on free ports that is not set up."""
    assert bare.as_peer("start", "--port", "0", "--proxy-port", "0").returncode == 0
    return bare


def test_after_init_a_run_says_why_it_needs_a_proof(line: CommandLine) -> None:
    """Both tell the reason and the remedy, which works; nobody is left an operator."""
    init = leaderless(line, "init", "--password-stdin", text=PASSWORD + "\n")
    assert init.returncode == 0, init.stderr
    assert REASON in init.stderr
    run = leaderless(line, "run", "--", "true")
    assert run.returncode == 5
    assert REASON in run.stderr
    assert "VAULT_TUI_MASTER_PASSWORD_FILE for each command" in run.stderr
    secret = line.home / "password"
    secret.write_text(PASSWORD + "\n")
    given = {"VAULT_TUI_MASTER_PASSWORD_FILE": str(secret)}
    done = leaderless(line, "run", "--", "echo", "it ran", **given)
    assert (done.returncode, done.stdout) == (0, "it ran\n"), done.stderr


def test_a_script_that_leads_a_session_unlocks_once(line: CommandLine) -> None:
    """`setsid --wait` is the other remedy: one proof, then commands without."""
    secret = line.home / "password"
    secret.write_text(PASSWORD + "\n")
    assert line.as_peer("init", "--password-stdin", stdin=PASSWORD + "\n").returncode == 0
    script = 'VAULT_TUI_MASTER_PASSWORD_FILE="$0" "$@" unlock && "$@" run -- echo it ran'
    done = run_leaderless(
        *("setsid", "--wait", "sh", "-c", script, str(secret), *PROGRAM), env=line.environment()
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("it ran\n")


def test_unlock_refuses_rather_than_pretends(line: CommandLine) -> None:
    """With exit code 5, also when the environment holds the right password."""
    leaderless(line, "init", "--password-stdin", text=PASSWORD + "\n")
    done = leaderless(line, "unlock", VAULT_TUI_MASTER_PASSWORD=PASSWORD)
    assert done.returncode == 5
    assert done.stdout == ""
    assert REASON in done.stderr


def test_a_key_file_proves_each_command(line: CommandLine, tmp_path: Path) -> None:
    """Nothing is asked for and nothing said."""
    init = leaderless(line, "init", "--keyfile", str(tmp_path / "key"))
    assert (init.returncode, init.stderr) == (0, "")
    run = leaderless(line, "run", "--", "echo", "it ran")
    assert (run.returncode, run.stdout) == (0, "it ran\n"), run.stderr


def test_a_sealed_vault_speaks_of_the_password_alone(line: CommandLine) -> None:
    """Unsealing lasts, wherever it is done."""
    assert leaderless(line, "init", "--password-stdin", text=PASSWORD + "\n").returncode == 0
    assert leaderless(line, "seal", VAULT_TUI_MASTER_PASSWORD=PASSWORD).returncode == 0
    done = leaderless(line, "unseal")
    assert done.returncode == 5
    assert REASON not in done.stderr
    assert "VAULT_TUI_MASTER_PASSWORD_FILE" in done.stderr
