"""Which program a name means, and which programs are never run."""

import os
from pathlib import Path

import pytest

from proxy_core.external.executable import ExecutableError, check, resolve


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A program of ours."""
    file = tmp_path / "bin" / "op"
    file.parent.mkdir(mode=0o755)
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def refusal(path: Path | str, search: str = "") -> str:
    """Why it is not run."""
    with pytest.raises(ExecutableError) as caught:
        resolve(str(path), search)
    return str(caught.value)


def test_a_name_is_looked_for_in_the_path_and_its_links_are_followed(tool: Path):
    """What is approved is the file itself, so that a link can't lead elsewhere later."""
    link = tool.parent / "tool"
    link.symlink_to(tool)
    assert resolve("op", f"relative:{tool.parent}") == str(tool)
    assert resolve(str(link), "") == str(tool)
    assert refusal("other", str(tool.parent)) == "The program is not found in the worker's PATH."
    assert "absolute path" in refusal("bin/op", str(tool.parent.parent))


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_program_that_others_can_change_is_refused(tool: Path, mode: int):
    """By its own mode, and by that of any directory above it."""
    tool.chmod(mode)
    assert refusal(tool) == "The program's file can be changed by other users."
    tool.chmod(0o755)
    tool.parent.chmod(mode)
    assert refusal(tool) == "A directory above the program's file can be changed by other users."
    tool.parent.chmod(0o1777)
    assert resolve(str(tool), "") == str(tool)


def test_what_is_no_program_is_refused(tool: Path):
    """A file that can't be executed, a directory, nothing at all."""
    tool.chmod(0o644)
    assert refusal(tool) == "The program's file can't be executed."
    assert refusal(tool.parent) == "The program's file can't be executed."
    tool.unlink()
    assert refusal(tool) == "The program's file is not there."
    assert refusal(str(tool.parent / "\ud800")) == "The program's file is not there."


def test_a_path_that_became_a_link_is_refused(tool: Path):
    """What was approved was no link."""
    link = tool.parent / "link"
    link.symlink_to(tool)
    with pytest.raises(ExecutableError):
        check(str(link))
    beside = tool.parent.parent / "beside"
    beside.symlink_to(tool.parent)
    with pytest.raises(ExecutableError):
        check(str(beside / "op"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_program_of_another_user_is_refused(tool: Path):
    """It could change under us."""
    os.chown(tool, 12345, 12345)
    assert refusal(tool) == "The program's file belongs to another user."
