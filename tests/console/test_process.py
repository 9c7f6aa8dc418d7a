"""The console as a process: what it imports, how it refuses to start, and how it dies."""

import os
import pty
import subprocess
import sys
from pathlib import Path

# What the first frame can do without: each of them costs 10 to 300 ms.
HEAVY = (
    "click", "httpx", "http.client", "yaml", "keyring", "tree_sitter", "sqlalchemy",
    "vault_tui.screens.gates", "vault_tui.screens.services", "textual.widgets._text_area",
)  # fmt: skip

_FIRST_FRAME = """
import sys
from vault_tui.app import ConsoleApp
async def never():
    raise AssertionError
app = ConsoleApp(never)
app._connect = lambda: app.exit(0)
app.run(headless=True, size=(80, 24))
print([name for name in {heavy!r} if name in sys.modules])
"""

_CRASH = """
import sys
from pathlib import Path
import vault_tui.running
from proxy_core.base.paths import Home
from textual._context import active_app
async def broken():
    held = "ghp-" + "held"
    active_app.get()._fatal_error()
    raise RuntimeError("the flux capacitor is empty")
vault_tui.running.opener = lambda *_: broken
sys.exit(vault_tui.running.run_console(Home(Path({home!r}))))
"""


def in_a_terminal(code: str) -> tuple[int, str]:
    """Run Python code in a pseudo terminal; its exit status and everything it wrote."""
    mine, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while True:
            try:
                shown += os.read(mine, 65_536)
            except OSError:  # everyone has let the terminal go
                break
        return process.wait(30), shown.decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        os.close(mine)


def test_the_first_frame_imports_only_what_it_shows():
    """No client, no dialogs, no editor: they are imported when they are used."""
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_FRAME.format(heavy=HEAVY)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_without_a_terminal_it_says_so():
    """A pipe is no place for a console: exit status 2 and one sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "vault_tui", "--read-only"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_read_only_belongs_to_the_console():
    """With a command it would promise what no command keeps."""
    done = subprocess.run(
        [sys.executable, "-m", "vault_tui", "--read-only", "status"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--read-only" in done.stderr


def test_a_crash_gives_the_terminal_back_and_names_the_log(tmp_path: Path):
    """The traceback goes to the log alone, and local variables go nowhere."""
    code, shown = in_a_terminal(_CRASH.format(home=str(tmp_path / "home")))
    log = tmp_path / "home" / "console.log"
    assert code == 1
    *_, after = shown.split("\x1b[?1049l")
    assert after.count("The console failed") == 1, "one failure often brings another"
    assert "NOTE" not in after
    assert "console.log" in after.replace("\r\n", "")
    for mode in ("1000", "2004", "1004"):
        assert shown.rfind(f"\x1b[?{mode}l") > shown.rfind(f"\x1b[?{mode}h"), mode
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    assert "the flux capacitor is empty" in log.read_text()
    assert "flux capacitor" not in shown
    assert "ghp-held" not in shown + log.read_text()
