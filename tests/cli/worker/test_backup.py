"""`backup` and `restore`, from one machine to another."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy_core.client import restorer
from proxy_core.domain.restoring import Held, HeldVault
from tests.cli.people.test_users import Machine
from tests.derivation import in_earnest
from tests.worker.harness import PASSWORD, ThreadedWorker
from vault_tui.cli import root


@in_earnest()
def test_a_vault_moves_to_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Made while it is used, shown before it is restored, refused where one is in use."""
    left = [tmp_path / "here" / f"vault.db.{name}" for name in ("copy", "restoring", "copy-wal")]
    left[0].parent.mkdir()
    for path in left:  # by a process that was killed
        path.touch()
    worker = ThreadedWorker(tmp_path / "here").start()
    assert not any(path.exists() for path in left)
    here = Machine(tmp_path / "here", monkeypatch, capsys)
    there = Machine(tmp_path / "there", monkeypatch, capsys)
    backup = str(tmp_path / "vault.backup")
    try:
        worker.init()
        here("credential", "set", "API_KEY=s3cret-value")
        made = json.loads(here("backup", backup, "--json"))
        assert (made["path"], made["slots"]) == (backup, 1)
        assert "exists already" in here("backup", backup, code=1)
        here("backup", str(tmp_path / "other"), "--passphrase-stdin", stdin="\n", code=2)
        again = ("restore", backup, "--replace", "--yes", "--password-stdin")
        assert "running already" in here(*again, stdin=PASSWORD, code=1)
    finally:
        worker.stop()
    there("restore", backup, code=2)  # nobody is there to be asked
    assert "empty" in there("restore", backup, "--password-stdin", "--yes", stdin="\n", code=2)
    said = there("restore", backup, "--password-stdin", "--yes", stdin=PASSWORD)
    assert "default" in said  # what it holds is shown first
    assert said.rstrip().endswith("`vault-tui start` serves it.")
    moved = ThreadedWorker(tmp_path / "there", password=bytearray(PASSWORD.encode())).start()
    try:
        token = moved.in_loop(moved.running.app.operators.open, None, "op").token
        said = there("credential", "get", "API_KEY", "--reveal", token=token)
        assert "s3cret-value" in said
        assert "vault.restored" in there("audit", "--json", token=token)
    finally:
        moved.stop()


def test_nothing_is_restored_unless_somebody_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the backup holds is shown; a script that did not say yes is told how to."""
    (tmp_path / "x").touch()

    def asks(*_: object, agreed: Callable[[Held], bool], **__: object) -> None:
        held = Held("2026-01-31T00:00:00Z", "1.0", [HeldVault("team\x1b[31m", 3, 2)], 1)
        raise AssertionError(agreed(held))

    monkeypatch.setattr(restorer, "restore", asks)
    there = Machine(tmp_path / "there", monkeypatch, capsys)
    said = there("restore", str(tmp_path / "x"), "--password-stdin", stdin="x", code=2)
    assert "2026-01-31" in said
    assert "team" in said
    assert "\x1b" not in said
    assert "--yes" in said


def test_a_database_elsewhere_is_not_restored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The home's would be put in place, and the worker would go on with the other."""
    (tmp_path / "x").touch()
    monkeypatch.setenv("VAULT_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VAULT_TUI_DATABASE_URL", "postgresql://elsewhere/vault")
    assert root.run(["restore", str(tmp_path / "x"), "--yes", "--password-stdin"]) == 2
    assert "elsewhere" in capsys.readouterr().err
    assert not (tmp_path / "home").exists()
