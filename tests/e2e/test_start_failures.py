"""What keeps a worker from starting or a vault from opening: one sentence, nothing changed."""

import hashlib
import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.program import Program

pytestmark = [pytest.mark.xdist_group("e2e-start"), pytest.mark.timeout(120)]

FAILED, UNAVAILABLE, REFUSED = 1, 3, 5
WRONG = "not the master password"


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A home that is set up, holds a credential, and has no worker."""
    with Program(tmp_path_factory.mktemp("stopped")) as made:
        made.set_up()
        made.command("credential", "set", "KEY", input="value")
    return made


@pytest.fixture
def open_vault(stopped: Program) -> Iterator[Program]:
    """The same home with a worker, and the vault open."""
    with stopped:
        stopped.start(environment=stopped.proving)
        yield stopped


def contents(home: Path) -> dict[str, tuple[str, int, int]]:
    """Digest, mode and time of every file below `home` that a start leaves behind."""
    return {
        str(path.relative_to(home)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mode,
            path.stat().st_mtime_ns,
        )
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.name not in {"start.lock", "worker.log"}
    }


def all_but_the_audit(home: Path) -> dict[str, object]:
    """Every file, with the database's rows in the place of its files."""
    files = {name: found for name, found in contents(home).items() if "vault.db" not in name}
    with closing(sqlite3.connect(home / "vault.db")) as database:
        named = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [name for (name,) in named.fetchall() if not name.startswith("audit")]
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in tables}
    return {**files, **rows}


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The only line on standard error; standard output is empty."""
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("vault-tui")
    return line


def begin(program: Program, command: str, *options: str, home: Path | None = None, **more: object):
    """`vault-tui worker` or `vault-tui start`, which are to fail."""
    environment = program.environment | ({"VAULT_TUI_HOME": str(home)} if home else {})
    ports = () if "--port" in options else ("--port", "0", "--proxy-port", "0")
    return program.command(command, *ports, *options, check=False, **({"env": environment} | more))


@pytest.mark.parametrize(("command", "option"), [("worker", "--proxy-port"), ("start", "--port")])
def test_a_port_is_taken(stopped: Program, command: str, option: str) -> None:
    """The port is named, and the home is left as it was."""
    before = contents(stopped.home)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        other = "--proxy-port" if option == "--port" else "--port"
        done = begin(stopped, command, option, port, other, "0")
    assert done.returncode == FAILED
    assert f"Port {port} of 127.0.0.1 is taken." in one_sentence(done)
    assert contents(stopped.home) == before


@pytest.mark.parametrize("command", ["worker", "start"])
def test_a_file_is_where_the_home_should_be(stopped: Program, tmp_path: Path, command: str) -> None:
    """A file in the directory's place is named and kept."""
    place = tmp_path / "home"
    place.write_text("mine")
    done = begin(stopped, command, home=place)
    assert done.returncode == FAILED
    assert f"{place} cannot be used: it is not a directory." in one_sentence(done)
    assert place.read_text() == "mine"


@pytest.mark.parametrize("command", ["worker", "start"])
def test_the_home_cannot_be_created(stopped: Program, tmp_path: Path, command: str) -> None:
    """A home below a file cannot be made, and the system's reason is told."""
    (tmp_path / "file").touch()
    done = begin(stopped, command, home=tmp_path / "file" / "home")
    assert done.returncode == FAILED
    assert "file is not a directory." in one_sentence(done)


@pytest.mark.parametrize("command", ["worker", "start"])
def test_the_home_is_a_symbolic_link(stopped: Program, tmp_path: Path, command: str) -> None:
    """A link is refused, wherever it leads; nothing is written behind it."""
    target = tmp_path / "target"
    target.mkdir()
    link = tmp_path / "link"
    link.symlink_to(target)
    done = begin(stopped, command, home=link)
    assert done.returncode == FAILED
    assert f"{link} cannot be used: it is a symbolic link." in one_sentence(done)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("command", ["worker", "start"])
def test_the_home_belongs_to_another_user(stopped: Program, tmp_path: Path, command: str) -> None:
    """Another user's directory is refused; root included, nothing is written into it."""
    place = Path("/")
    if os.geteuid() == 0:
        place = tmp_path / "theirs"
        place.mkdir()
        os.chown(place, 12345, -1)
    before = sorted(place.iterdir())
    done = begin(stopped, command, home=place)
    assert done.returncode == FAILED
    assert f"{place} cannot be used: it belongs to another user." in one_sentence(done)
    assert sorted(place.iterdir()) == before


@pytest.mark.parametrize("name", ["vault.db", "worker.lock"])
def test_a_file_of_the_home_is_a_symbolic_link(stopped: Program, tmp_path: Path, name: str) -> None:
    """A link in the place of a file of ours is not followed."""
    target = tmp_path / "target"
    target.write_text("theirs")
    home = tmp_path / "home"
    home.mkdir()
    (home / name).symlink_to(target)
    done = begin(stopped, "worker", home=home)
    assert done.returncode == FAILED
    assert str(home / name) in one_sentence(done)
    assert target.read_text() == "theirs"


def test_a_second_worker(open_vault: Program) -> None:
    """One worker a home: the second one says that there is one."""
    done = begin(open_vault, "worker")
    assert done.returncode == FAILED
    assert "is running already." in one_sentence(done)
    open_vault.command("credential", "get", "KEY")


@pytest.mark.parametrize(
    "variable", ["VAULT_TUI_MASTER_PASSWORD", "VAULT_TUI_MASTER_PASSWORD_FILE"]
)
def test_a_wrong_password_at_start(stopped: Program, tmp_path: Path, variable: str) -> None:
    """A worker that is given a password which opens nothing does not serve."""
    (tmp_path / "password").write_text(WRONG + "\n")
    value = str(tmp_path / "password") if variable.endswith("FILE") else WRONG
    before = contents(stopped.home)
    done = begin(stopped, "worker", env=stopped.environment | {variable: value})
    assert done.returncode == REFUSED
    sentence = one_sentence(done)
    assert "The master password given does not open the vault." in sentence
    assert WRONG not in sentence
    assert contents(stopped.home) == before


@pytest.mark.parametrize("command", ["unlock", "unseal"])
def test_a_wrong_password_for_a_command(open_vault: Program, command: str) -> None:
    """`unlock` and `unseal` are refused with what is wrong; nothing but the audit hears of it."""
    if command == "unseal":
        open_vault.command("seal")
    wrong = open_vault.environment | {"VAULT_TUI_MASTER_PASSWORD": WRONG}
    before = all_but_the_audit(open_vault.home)
    done = open_vault.command(command, check=False, env=wrong)
    assert done.returncode == REFUSED
    assert WRONG not in one_sentence(done)
    assert all_but_the_audit(open_vault.home) == before
    assert open_vault.command("status", "--short").stdout.count("sealed") == (command == "unseal")


@pytest.mark.parametrize("command", ["worker", "start"])
def test_a_database_of_a_newer_version(stopped: Program, tmp_path: Path, command: str) -> None:
    """A newer database is refused before anything in it changes."""
    home = tmp_path / "home"
    home.mkdir(0o700)
    with (
        closing(sqlite3.connect(stopped.home / "vault.db")) as old,
        closing(sqlite3.connect(home / "vault.db")) as new,
    ):
        old.backup(new)
        with new:
            new.execute("UPDATE alembic_version SET version_num = '9999'")
    (home / "vault.db").chmod(0o600)
    before = contents(home)
    done = begin(stopped, command, home=home)
    assert done.returncode == FAILED
    assert "The database has schema 9999; this version knows" in one_sentence(done)
    found = contents(home)
    assert {name: found[name] for name in before} == before
    assert set(found) - set(before) <= {"worker.lock"}


def test_a_file_that_is_no_database(stopped: Program, tmp_path: Path) -> None:
    """Something else in the database's place is refused and kept."""
    home = tmp_path / "home"
    home.mkdir(0o700)
    (home / "vault.db").write_text("no database at all, but long enough to look at\n" * 40)
    (home / "vault.db").chmod(0o600)
    before = contents(home)
    done = begin(stopped, "worker", home=home)
    assert done.returncode == UNAVAILABLE
    one_sentence(done)
    assert contents(home) == before | {"worker.lock": contents(home)["worker.lock"]}


def test_without_a_worker_commands_say_so(stopped: Program) -> None:
    """A command that needs a worker names the remedy and exits with 3."""
    done = stopped.command("credential", "list", check=False)
    assert done.returncode == UNAVAILABLE
    assert "`vault-tui start`" in one_sentence(done)
