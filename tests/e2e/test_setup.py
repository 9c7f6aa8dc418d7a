"""Programs that `vault-tui setup` has set up, started by themselves."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import World

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]


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
