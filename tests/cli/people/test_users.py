"""Users from the command line: made on the socket, signed in over the network."""

import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import FOREIGN
from tests.worker.harness import CHEAP, ThreadedWorker
from vault_tui.cli import root

OWN = "my own password"


@dataclass
class Machine:
    """The command line within this process, over a home of its own."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    address: str = ""

    def __call__(self, *arguments: str, stdin: str = "", code: int = 0, token: str = "") -> str:
        """What a command says, having ended with `code`."""
        with self.monkeypatch.context() as patch:
            for name in [one for one in os.environ if one.upper().startswith(FOREIGN)]:
                patch.delenv(name)
            patch.setenv("VAULT_TUI_HOME", str(self.home))
            for name, value in (("VAULT_TUI_ADDR", self.address), ("VAULT_TUI_TOKEN", token)):
                if value:
                    patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            ended = root.run(arguments)
        said = self.capsys.readouterr()
        assert ended == code, said
        return said.out + said.err


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker that is set up and open; this process is an operator's."""
    worker = ThreadedWorker(tmp_path_factory.mktemp("users") / "home").start()
    worker.init()
    worker.running.app.users.passwords.cost = CHEAP
    yield worker
    worker.stop()


@pytest.fixture
def here(
    worker: ThreadedWorker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Machine:
    """The worker's own machine."""
    return Machine(worker.config.home.path, monkeypatch, capsys)


@pytest.fixture
def there(worker: ThreadedWorker, here: Machine, tmp_path: Path) -> Machine:
    """Another machine: it has no socket, only an address."""
    home = tmp_path / "elsewhere"
    return Machine(home, here.monkeypatch, here.capsys, f"http://{worker.api}")


def test_a_person_is_invited_signs_in_and_leaves(here: Machine, there: Machine) -> None:
    """Invite, accept, login with the token kept 0600, work, a new password, logout."""
    token = here("user", "invite", "ada@example.com", "--role", "owner").split()[0]
    assert token.startswith("vt_inv_")
    assert "ada@example.com" in here("user", "invites")
    there("user", "accept", stdin=f"{token}\n{OWN}\n")
    there("user", "accept", stdin=f"{token}\n{OWN}\n", code=4)
    there("vault", "list", code=5)
    there("login", "--email", "ada@example.com", stdin="not that\n", code=5)
    assert "Signed in" in there("login", "--email", "ada@example.com", stdin=f"{OWN}\n")
    kept = there.home / "settings" / "sign-ins.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert OWN not in kept.read_text()
    assert "default" in there("vault", "list")
    there("vault", "list", code=5, token="vt_user_other")
    assert "127.0.0.1" in there("user", "sessions")
    changed = there("user", "password", stdin=f"{OWN}\nquite another one\n")
    assert "Every other session" in changed
    assert "default" in there("vault", "list")
    there("user", "remove", "ada@example.com", "--yes", code=1)  # the last owner
    there("logout")
    assert kept.read_text() == "{}"
    there("vault", "list", code=5)
    there("logout", code=2)


def test_users_and_their_vaults_are_kept_on_the_socket(here: Machine, there: Machine) -> None:
    """An operator makes users with a password of standard input, and rules their vaults."""
    assert "bob" in here("user", "create", "bob", "--role", "no-access", stdin=f"{OWN}\n")
    here("user", "grant", "bob", "--vault", "default", "--role", "proxy")
    found = json.loads(here("user", "list", "--json"))["users"]
    (bob,) = (one for one in found if one["email"] == "bob")
    assert bob["vaults"] == [{"vault_name": "default", "vault_role": "proxy"}]
    there("login", "--email", "bob", stdin=f"{OWN}\n")
    (session,) = json.loads(here("user", "sessions", "bob", "--json"))["sessions"]
    here("user", "sessions", "--end", session["id"])
    there("vault", "list", code=5)
    here("user", "revoke", "bob", "--vault", "default")
    here("user", "role", "bob", "member")
    here("user", "remove", "bob", "--yes")
    assert "bob" not in here("user", "list")


def test_an_invite_is_taken_back(here: Machine, there: Machine) -> None:
    """Its token makes nobody a user any more."""
    made = json.loads(here("user", "invite", "--vault", "default:admin", "--json"))
    assert made["vaults"] == [{"vault_name": "default", "vault_role": "admin"}]
    here("user", "uninvite", made["id"])
    there("user", "accept", "--email", "eve", stdin=f"{made['token']}\n{OWN}\n", code=4)


def test_a_proof_is_asked_for_where_somebody_is_there(
    here: Machine, there: Machine, worker: ThreadedWorker
) -> None:
    """A secret takes the password again after a while; a script is told so instead."""
    worker.add_user("olga", "owner")
    there("login", "--email", "olga", stdin="correct horse battery\n")
    here("credential", "set", "API_KEY=s3cret")
    for session in worker.running.app._context.users.sessions(0):
        session.proved_at = 0.0
    said = there("credential", "get", "API_KEY", "--reveal", code=5)
    assert "prove your password" in said
    there.monkeypatch.setattr("vault_tui.cli.secret_input.can_prompt", lambda: True)
    there.monkeypatch.setattr("getpass.getpass", lambda _: "correct horse battery")
    assert "s3cret" in there("credential", "get", "API_KEY", "--reveal")


def test_login_is_for_workers_elsewhere(here: Machine, there: Machine) -> None:
    """Without an address there is nothing to sign in to: the socket has `unlock`, it alone."""
    for command in ("login", "logout"):
        assert "--addr" in here(command, code=2)
    for command in ("unlock", "lock"):
        assert "login" in there(command, code=2)


def test_a_damaged_file_of_sign_ins_is_told(there: Machine) -> None:
    """In one sentence that names it; nothing in it is shown."""
    there.home.mkdir(mode=0o700)
    (there.home / "settings").mkdir(mode=0o700)
    (there.home / "settings" / "sign-ins.json").write_text('{"x": {"token": "vt_user_s3cret"')
    said = there("vault", "list", code=1)
    assert "sign-ins.json" in said
    assert "s3cret" not in said
