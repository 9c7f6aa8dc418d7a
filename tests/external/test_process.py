"""Real programs, well-behaved and hostile: bounded in time, output and what they leave behind."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy_core.external.process import MAX_COMPLAINT, Program, RunError, run

PYTHON = str(Path(sys.executable).resolve())


def program(code: str, **environment: str) -> Program:
    """Python with a program of one line: it needs nothing of ours."""
    return Program(PYTHON, ["tool", "-I", "-S", "-c", code], environment)


async def outcome(code: str, *, seconds: float = 20.0, max_output: int = 65536) -> bytes:
    """What a program prints."""
    return await run(program(code), seconds=seconds, max_output=max_output)


async def failure(code: str, **bounds: float) -> RunError:
    """How a program fails."""
    with pytest.raises(RunError) as caught:
        await outcome(code, **bounds)  # type: ignore[arg-type]
    return caught.value


async def test_a_program_gets_its_arguments_and_nothing_else_of_ours():
    """No input, only the environment that it is given, its own session, no open file of ours."""
    code = (
        "import os,sys; print(sys.stdin.read(), sorted(os.environ.items()), os.getcwd(),"
        " os.getsid(0) == os.getpid(), os.path.exists('/proc/self/fd/%d'), sys.argv)"
    )
    read, write = os.pipe()
    try:
        os.environ["VAULT_TUI_TEST_SECRET"] = "not for children"
        held = os.dup2(read, 200)
        printed = await run(
            Program(PYTHON, ["tool", "-I", "-S", "-c", code % held, "a; b $HOME"], {"A": "1"}),
            seconds=20,
            max_output=65536,
        )
    finally:
        del os.environ["VAULT_TUI_TEST_SECRET"]
        for one in (read, write, 200):
            os.close(one)
    assert printed.decode().split("\n")[0].lstrip() == (
        "[('A', '1'), ('LC_CTYPE', 'C.UTF-8')] / True False ['-c', 'a; b $HOME']"
    ) or printed.decode().split("\n")[0].lstrip() == (
        "[('A', '1')] / True False ['-c', 'a; b $HOME']"
    )


async def test_what_a_program_says_of_a_failure_is_kept_in_part():
    """The end of standard error, beside a text that holds nothing of it."""
    error = await failure("import sys; sys.stderr.write('x' * 99999 + 'the end'); sys.exit(3)")
    assert str(error) == "its exit status is 3"
    assert error.complaint.endswith(b"the end")
    assert len(error.complaint) == MAX_COMPLAINT


async def test_endless_output_ends_the_program():
    """Nothing is kept beyond the limit."""
    error = await failure("import os\nwhile True: os.write(1, b'x' * 65536)", max_output=65536)
    assert str(error) == "it printed more than 64 KiB"


async def test_a_program_that_hangs_goes_with_its_children(tmp_path: Path):
    """The whole process group is killed when the time is over."""
    child = tmp_path / "child"
    code = (
        "import os,time\n"
        f"open({str(child)!r}, 'w').write(str(os.fork() or os.getpid()))\n"
        "time.sleep(600)"
    )
    for seconds in (1.5, 10.5, 60.5):  # on a busy machine it may not even have begun
        error = await failure(code, seconds=seconds)
        assert str(error) == f"it took longer than {seconds} seconds"
        if child.exists() and child.read_text():
            break
    assert await gone(int(child.read_text()))


async def test_a_child_that_keeps_the_output_open_does_not_outlast_the_time():
    """Not even one in a session of its own, which no signal to the group reaches."""
    code = "import os,time\nif os.fork() == 0:\n os.setsid(); time.sleep(5)\nelse: print('value')"
    error = await failure(code, seconds=1.0)
    assert str(error) == "it took longer than 1 seconds"


async def test_whoever_gives_up_leaves_no_program_behind(tmp_path: Path):
    """A cancelled run kills its program."""
    pid = tmp_path / "pid"
    code = f"import os,time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    running = asyncio.ensure_future(outcome(code))
    assert await until(lambda: pid.exists() and pid.read_text())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(int(pid.read_text()))


async def test_what_can_not_be_started_is_said():
    """Not a file of any program."""
    with pytest.raises(RunError, match="can't be started"):
        await run(Program("/nowhere/op", ["op"], {}), seconds=5, max_output=10)


async def gone(pid: int) -> bool:
    """Whether a process ends, or is dead and only waits for its parent."""
    return await until(lambda: state_of(pid) in {"", "Z"})


def state_of(pid: int) -> str:
    """One letter, empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def until(condition: Callable[[], object]) -> bool:
    """Whether it becomes true within a generous time."""
    for _ in range(2000):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False
