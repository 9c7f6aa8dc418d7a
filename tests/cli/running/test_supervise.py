"""Running a command for a terminal: exit status, signals, orphans."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import with_default_signals

_SUPERVISOR = """
import os, sys
from vault_tui.cli.running import supervise
supervise.shield()
with supervise.signals_held():
    try:
        code = supervise.run_command(sys.argv[1:], dict(os.environ))
    except supervise.NotStarted as error:
        code = error.exit_code
    print("after", flush=True)
sys.exit(code)
"""


def supervise(*command: str) -> subprocess.CompletedProcess[str]:
    """Run `command` under the supervisor, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", _SUPERVISOR, *command],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=with_default_signals,
    )


@contextmanager
def supervising(*command: str) -> Iterator[subprocess.Popen[str]]:
    """The same, to send signals to; in a process group of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, *command],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=with_default_signals,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)],
)
def test_the_exit_status_is_the_commands(script: str, code: int) -> None:
    """An exit code passes through; signal n becomes 128+n."""
    assert supervise("sh", "-c", script).returncode == code


def test_a_missing_command_is_127(tmp_path: Path) -> None:
    """As in a shell: 127 for what does not exist, 126 for what can't be executed."""
    assert supervise("no-such-program-here").returncode == 127
    plain = tmp_path / "plain"
    plain.write_text("not executable")
    assert supervise(str(plain)).returncode == 126


def test_what_follows_the_command_is_done_after_a_signal() -> None:
    """SIGTERM to us reaches the command, and our own work still happens afterwards."""
    script = "trap 'echo told; exit 5' TERM; echo up; while :; do sleep 0.05; done"
    with supervising("sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "told\nafter\n"
        assert process.wait(60) == 5


def test_an_interrupt_from_a_process_is_passed_on_once() -> None:
    """`kill -INT` of the supervisor alone reaches the command, which decides what to do."""
    script = "trap 'echo told; exit 3' INT; echo up; while :; do sleep 0.05; done"
    with supervising("sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "told\nafter\n"
        assert process.wait(60) == 3


def test_the_command_does_not_outlive_us() -> None:
    """Killed, we can't tell it anything: the kernel does."""
    script = "trap 'echo told; exit' TERM; echo up; while :; do sleep 0.05; done"
    with supervising("sh", "-c", script) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.kill()
        assert process.stdout.read() == "told\n"


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_orphans_end_with_the_command(tmp_path: Path) -> None:
    """What the command left running in the background, sessions of its own included, is ended."""
    orphan = "sleep 300 & echo $! >"
    script = f"setsid sh -c '{orphan} one; wait' & sh -c '{orphan} two'\n"
    script += "until [ -s one ] && [ -s two ]; do sleep 0.05; done; cat one two"
    done = supervise("sh", "-c", f"cd {tmp_path}; {script}")
    pids = [int(line) for line in done.stdout.split() if line.isdecimal()]
    assert len(pids) == 2
    assert not any(alive(pid) for pid in pids)


def test_what_was_there_before_the_command_stays() -> None:
    """A worker that was started for it, for example, serves others too."""
    start = (
        "subprocess.Popen(['sleep', '300'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
    )
    code = f"import subprocess\nbefore = {start}\n{_SUPERVISOR}"
    code = code.replace('print("after"', 'print(before.pid, before.poll(), "after"')
    done = subprocess.run(
        [sys.executable, "-c", code, "sh", "-c", "sleep 300 & sleep 0.2"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    pid, status, _ = done.stdout.split()
    assert status == "None"
    assert alive(int(pid))
    os.kill(int(pid), signal.SIGKILL)


def test_an_orphan_that_ignores_sigterm_is_killed() -> None:
    """After the grace, nothing survives."""
    done = supervise("sh", "-c", "(trap '' TERM; echo $$; while :; do sleep 0.1; done) & sleep 0.2")
    assert done.returncode == 0
    assert "after" in done.stdout


def test_our_environment_is_hidden_from_the_command() -> None:
    """An agent of the same user can't read the supervisor's environment."""
    if os.geteuid() == 0:
        done = supervise("sh", "-c", "stat -c %U /proc/$PPID")
        assert done.stdout.startswith("root")
        # Root may read anything; that the process is not dumpable shows in its limits instead.
        code = "import ctypes,sys; from vault_tui.cli.running import supervise; supervise.shield();"
        code += "sys.exit(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    else:
        done = supervise("sh", "-c", "cat /proc/$PPID/environ >/dev/null 2>&1 || echo refused")
        assert "refused" in done.stdout


def test_the_command_starts_with_a_clean_slate_of_signals() -> None:
    """No signal is blocked or ignored in the command because we hold ours."""
    done = supervise("sh", "-c", "grep -E 'SigBlk|SigIgn' /proc/self/status")
    masks = [int(line.split()[1], 16) for line in done.stdout.splitlines() if "Sig" in line]
    # Signals 32 and 33 belong to the C library's threads.
    assert [mask & 0x7FFFFFFF for mask in masks] == [0, 0]
