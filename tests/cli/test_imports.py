"""What the fast command lines import, and how long they take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "textual",
    "sqlmodel",
    "sqlalchemy",
    "httpx",
    "litestar",
    "cryptography",
    "keyring",
    "yaml",
)
SLOW = (*HEAVY, "dataclasses", "typing", "pathlib", "re", "msgspec", "proxy_core.base.errors")
_REPORT = """
import sys
sys.argv = ["vault-tui", *{arguments!r}]
from vault_tui.__main__ import main
try:
    main()
except SystemExit:
    pass
print("LOADED", *(name for name in {heavy!r} if name in sys.modules))
print("CLICK", "click" in sys.modules)
"""


def imported_by(tmp_path: Path, *arguments: str) -> tuple[list[str], bool]:
    """Heavy modules that a command line has imported, and whether it imported click."""
    code = _REPORT.format(arguments=list(arguments), heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"VAULT_TUI_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, loaded, click = done.stdout.splitlines()
    return loaded.split()[1:], click == "CLICK True"


@pytest.mark.parametrize("arguments", [("--version",), ("status",), ("status", "--short")])
def test_status_imports_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """What a status bar asks every second costs neither click nor any framework."""
    assert imported_by(tmp_path, *arguments) == ([], False)


def test_a_token_that_is_not_there_imports_next_to_nothing(tmp_path: Path) -> None:
    """Programs wait for it: not even what most of our own modules begin with."""
    code = _REPORT.format(arguments=["auth", "token"], heavy=SLOW)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"VAULT_TUI_HOME": str(tmp_path), "CI": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "LOADED\nCLICK False\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("credential", "--help"),
        ("run", "--help"),
        ("auth", "login", "--help"),
        ("vault", "list"),
        ("status", "--addr", "http://127.0.0.1:9"),
    ],
)
def test_commands_import_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Frameworks of the worker and the console stay out of the command line."""
    assert imported_by(tmp_path, *arguments)[0] == []


def test_the_fast_lines_cost_little_processor_time(tmp_path: Path) -> None:
    """`status` takes at most 150 ms of this processor; the best of five, to see past neighbours."""
    taken = []
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-m", "vault_tui", "status", "--short"],
            env=os.environ | {"VAULT_TUI_HOME": str(tmp_path)},
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        taken.append(used.ru_utime + used.ru_stime)
    assert min(taken) < 0.150
