"""`key …` against a real worker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.people.test_users import Machine
from tests.worker.harness import PASSWORD, ThreadedWorker


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is set up and open; this process is an operator's."""
    worker = ThreadedWorker(tmp_path / "home").start()
    worker.init()
    yield worker
    worker.stop()


@pytest.fixture
def here(
    worker: ThreadedWorker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Machine:
    """The worker's own machine."""
    return Machine(worker.config.home.path, monkeypatch, capsys)


def slots(here: Machine) -> dict[str, str]:
    """Kinds by label."""
    found = json.loads(here("key", "slots", "--json"))["slots"]
    return {slot["label"]: slot["kind"] for slot in found}


def test_slots_from_the_first_to_the_last(here: Machine, tmp_path: Path) -> None:
    """Added, changed, dropped with the old key, removed; a name may be an id or a label."""
    here("credential", "set", "API_KEY=s3cret")
    assert slots(here) == {"password": "password"}
    key_file = tmp_path / "server.key"
    here("key", "add", "--keyfile", str(key_file), "--label", "server")
    here("key", "add", "--password-stdin", "--label", "spare", stdin="battery staple\n")
    made = json.loads(here("key", "change", "spare", "--password-stdin", "--json", stdin="other\n"))
    assert "spare" in here("key", "slots")
    here("key", "rotate", code=2)  # nobody is there to be asked for passwords
    here(
        "key", "rotate", "--drop", made["id"], "--yes", "--password-stdin", stdin="wrong\n", code=5
    )
    done = here(
        "key", "rotate", "--drop", "spare", "--yes", "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    assert "number 2" in done
    assert slots(here) == {"password": "password", "server": "keyfile"}
    assert "s3cret" in here("credential", "get", "API_KEY", "--reveal")
    here("key", "remove", "server", code=2)  # nobody is there to say yes
    assert "--force" in here("key", "remove", "server", "--yes", code=1)
    here("key", "remove", "server", "--yes", "--force")
    assert not key_file.exists()
    assert "No other slot" in here("key", "remove", "password", "--yes", "--force", code=1)


def test_what_is_not_there_or_makes_no_sense_is_refused(here: Machine, tmp_path: Path) -> None:
    """In words, with the exit status of its kind."""
    here("key", "remove", "nothing", "--yes", code=4)
    here("key", "add", "--keyring", "--keyfile", str(tmp_path / "x"), code=2)
    here("key", "add", code=2)
    here("key", "change", "password", code=2)
    here("key", "add", "--keyfile", str(tmp_path / "second.key"), "--label", "password")
    assert "by its id" in here("key", "change", "password", "--password-stdin", stdin="x\n", code=1)
