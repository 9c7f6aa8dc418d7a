"""Programs that `vault-tui setup` has set up, started by themselves."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.anthropic import HOSTS, Anthropic
from tests.e2e.conftest import World
from tests.e2e.program import Program, connect_to

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

TOKEN = "sk-ant-oat01-real"
TEXT = "hi from upstream"


def test_git_clones_by_itself(world: World, need: Callable[[str], str], tmp_path: Path) -> None:
    """No `run`, no variable: the configuration alone leads to the vault, for that host alone."""
    git = need("git")
    environment = {"HOME": str(world.base), "PATH": os.environ["PATH"]}
    clone = [git, "clone", "-q", "https://git.test/repo.git", str(tmp_path / "clone")]
    world.command("setup", "git", "--host", "git.test")
    try:
        done = subprocess.run(clone, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "clone" / "hello.txt").read_text() == "cloned through the vault\n"
    finally:
        world.command("setup", "git", "--undo")
    assert not (world.base / ".gitconfig").exists()


@pytest.fixture
def claude() -> str:
    """The real program. It is not installed for tests: it is larger than all the rest of them."""
    found = shutil.which("claude")
    if found is None:
        pytest.skip("claude is not installed")
    return found


@pytest.fixture
def vault(claude: str, tmp_path: Path) -> Iterator[tuple[Program, Anthropic]]:
    """A worker with an account, in front of an upstream."""
    upstream = Anthropic(tmp_path, TEXT)
    with Program(tmp_path) as program:
        ports = dict.fromkeys(HOSTS, upstream.port)
        program.set_up("--upstream-ca", str(upstream.ca), *connect_to(ports))
        tokens = json.dumps({"access_token": TOKEN, "expires_at": 4_000_000_000})
        add = ("account", "add", "--paste-tokens", "--email", "ada@example.com")
        program.command(*add, input=tokens)
        yield program, upstream
    upstream.stop()


@pytest.mark.parametrize("mode", ["proxy", "gateway"])
def test_claude_code_answers_by_itself(
    vault: tuple[Program, Anthropic], claude: str, mode: str
) -> None:
    """It holds no login: the upstream sees the account's token, once and nothing else."""
    program, upstream = vault
    program.command("setup", "claude-code", "--mode", mode, stdin=subprocess.DEVNULL)
    environment = {"HOME": str(program.base), "PATH": os.environ["PATH"], "TERM": "xterm"}
    done = subprocess.run(
        [claude, "-p", "say hi"],
        env=environment,
        cwd=program.base,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.stdout.strip() == TEXT, done.stderr
    assert set(upstream.seen) == {(f"Bearer {TOKEN}", None)}
    for path in program.base.rglob(".claude*/**/*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes()
