"""Changes carried out and taken back, over real files."""

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from vault_tui.setup import files, receipts
from vault_tui.setup.apply import apply, check_unchanged, write_all
from vault_tui.setup.differences import Redactor, difference
from vault_tui.setup.documents import ABSENT
from vault_tui.setup.plan import Change, Edit, FileEdits, changes_for
from vault_tui.setup.receipts import Receipt
from vault_tui.setup.undo import tidy, undoing

TOKEN = "vt_agt_" + 32 * "5a"
BEFORE = '{\n  "theme": "dark",\n  "env": {\n    "MINE": "1"\n  }\n}\n'


class Place:
    """A user's home with one file to be set up, and the vault's own home."""

    def __init__(self, directory: Path) -> None:
        self.user = directory / "user"
        self.user.mkdir()
        self.home = Home(directory / "vault")
        self.path = self.user / ".tool" / "settings.json"

    def write(self, text: str, mode: int = 0o640) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(text)
        self.path.chmod(mode)

    def set_up(self, token: str = TOKEN, secret: bool = True) -> list[Path]:
        """As the command does it."""
        edits = [Edit(("env", "PROXY"), f"http://{token}:v@h:1"), Edit(("done",), True)]
        wanted = [FileEdits(self.path, "json", edits, secret)]
        receipt = receipts.load(self.home, "tool") or Receipt("tool", "proxy", "default", [])
        changes = changes_for(wanted, self.user)
        return apply(self.home, self.user, changes, receipt) if changes else []

    def undo(self) -> list[str]:
        """As the command does it."""
        receipt = receipts.load(self.home, "tool")
        assert receipt is not None
        found = undoing(receipt, self.user)
        check_unchanged(found.changes, self.user)
        write_all(found.changes)
        tidy(found.spent)
        receipts.forget(self.home, "tool")
        return found.left

    @property
    def document(self) -> Any:
        return json.loads(self.path.read_text())

    @property
    def mode(self) -> int:
        return stat.S_IMODE(self.path.stat().st_mode)

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.parent.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Where a test happens."""
    return Place(tmp_path)


def test_a_file_is_merged_into_and_taken_back_to_the_byte(place: Place) -> None:
    """With a private backup beside it meanwhile, and permissions that suit a token."""
    place.write(BEFORE)
    (backup,) = place.set_up()
    assert place.document["theme"] == "dark"
    assert place.document["env"] == {"MINE": "1", "PROXY": f"http://{TOKEN}:v@h:1"}
    assert place.mode == 0o600
    assert (backup.read_text(), stat.S_IMODE(backup.stat().st_mode)) == (BEFORE, 0o600)
    assert place.undo() == []
    assert (place.path.read_text(), place.mode) == (BEFORE, 0o640)
    assert place.names == ["settings.json"]


def test_a_file_that_was_not_there_is_made_privately_and_removed(place: Place) -> None:
    """Its directory too is its owner's alone, whatever the umask."""
    previous = os.umask(0)
    try:
        assert place.set_up() == []
    finally:
        os.umask(previous)
    assert (place.mode, stat.S_IMODE(place.path.parent.stat().st_mode)) == (0o600, 0o700)
    assert place.undo() == []
    assert not place.path.exists()


def test_a_second_run_does_nothing(place: Place) -> None:
    """No write, no backup."""
    place.write(BEFORE)
    place.set_up()
    before = (place.names, place.path.stat().st_mtime_ns)
    assert place.set_up() == []
    assert (place.names, place.path.stat().st_mtime_ns) == before


def test_another_token_keeps_the_first_backup(place: Place) -> None:
    """What is taken back is what was there before any of it."""
    place.write(BEFORE)
    place.set_up()
    assert place.set_up("vt_agt_" + 32 * "6b") == []
    assert place.undo() == []
    assert (place.path.read_text(), place.names) == (BEFORE, ["settings.json"])


@pytest.mark.parametrize("again", [False, True])
def test_what_others_wrote_since_stays(place: Place, again: bool) -> None:
    """Keys of ours go, theirs stay; also when setup ran once more in between."""
    place.write(BEFORE)
    place.set_up()
    place.path.write_text(json.dumps(place.document | {"new": 1}))
    if again:
        place.set_up("vt_agt_" + 32 * "6b")
    assert place.undo() == []
    assert place.document == {"theme": "dark", "env": {"MINE": "1"}, "new": 1}


def test_a_key_that_was_changed_since_stays_and_is_told(place: Place) -> None:
    """Then the backup stays as well."""
    place.write(BEFORE)
    place.set_up()
    changed = place.document
    changed["env"]["PROXY"] = "http://other"
    place.path.write_text(json.dumps(changed))
    (told,) = place.undo()
    assert "env.PROXY was changed since, and stays" in told
    assert TOKEN not in told
    assert place.document == {"theme": "dark", "env": {"MINE": "1", "PROXY": "http://other"}}
    assert len(place.names) == 2


def test_objects_made_for_a_key_go_with_it(place: Place) -> None:
    """A file that holds nothing else then goes too, even if its program has laid it out anew."""
    place.set_up()
    place.path.write_text(json.dumps(place.document))
    assert place.undo() == []
    assert not place.path.exists()


def test_a_file_or_backup_that_is_gone_is_told(place: Place) -> None:
    """Nothing is made up for it."""
    place.write(BEFORE)
    (backup,) = place.set_up()
    backup.unlink()
    receipt = receipts.load(place.home, "tool")
    assert receipt is not None
    assert "its backup" in undoing(receipt, place.user).left[0]
    place.path.unlink()
    assert "is gone" in undoing(receipt, place.user).left[0]


def test_a_receipt_holds_no_value(place: Place) -> None:
    """Only names and digests; nobody else may read it."""
    place.write(BEFORE)
    place.set_up()
    kept = place.home.settings_dir / "setup" / "tool.json"
    assert TOKEN not in kept.read_text()
    assert "dark" not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_all_files_or_none(place: Place) -> None:
    """When the second can't be written, the first is as it was, and nothing is remembered."""
    place.write(BEFORE)
    unwritable = place.user / ("n" * 250)  # no room is left for a temporary file's name
    wanted = [
        FileEdits(place.path, "json", [Edit(("a",), 1)], True),
        FileEdits(unwritable, "json", [Edit(("a",), 1)]),
    ]
    changes = changes_for(wanted, place.user)
    with pytest.raises(OSError, match="name too long"):
        apply(place.home, place.user, changes, Receipt("tool", "proxy", "default", []))
    assert (place.path.read_text(), place.mode) == (BEFORE, 0o640)
    assert place.names == ["settings.json"]
    assert receipts.load(place.home, "tool") is None


def test_a_file_that_changed_meanwhile_is_left_alone(place: Place) -> None:
    """Between reading and writing a program may write its own."""
    place.write(BEFORE)
    changes = changes_for([FileEdits(place.path, "json", [Edit(("a",), 1)])], place.user)
    place.path.write_text("{}")
    with pytest.raises(VaultError, match="changed meanwhile"):
        apply(place.home, place.user, changes, Receipt("tool", "proxy", "default", []))
    assert place.path.read_text() == "{}"


@pytest.mark.parametrize("what", ["file", "directory", "fifo", "large", "binary", "folder"])
def test_what_is_not_a_plain_file_of_ours_is_refused(place: Place, what: str) -> None:
    """Links would lead elsewhere, and nothing is read that blocks or has no end."""
    elsewhere = place.user.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "settings.json").write_text(BEFORE)
    if what == "directory":
        place.path.parent.symlink_to(elsewhere)
    else:
        place.path.parent.mkdir()
    if what == "file":
        place.path.symlink_to(elsewhere / "settings.json")
    elif what == "fifo":
        os.mkfifo(place.path)
    elif what == "large":
        place.path.write_bytes(b" " * (files.MAX_BYTES + 1))
    elif what == "binary":
        place.path.write_bytes(b'{"a": "\xff"}')
    elif what == "folder":
        place.path.mkdir()
    with pytest.raises((VaultError, IsADirectoryError)):
        place.set_up()
    assert (elsewhere / "settings.json").read_text() == BEFORE
    assert receipts.load(place.home, "tool") is None


def test_a_key_that_has_to_go(place: Place) -> None:
    """It comes back with the rest."""
    place.write(BEFORE)
    wanted = [FileEdits(place.path, "json", [Edit(("env", "MINE"), ABSENT)])]
    receipt = Receipt("tool", "proxy", "default", [])
    apply(place.home, place.user, changes_for(wanted, place.user), receipt)
    assert place.document["env"] == {}
    place.path.write_text(json.dumps(place.document))
    assert place.undo() == []
    assert place.document["env"] == {"MINE": "1"}


def test_a_difference_shows_no_secret(place: Place) -> None:
    """Neither ours nor what the file holds already; that one changes can be seen."""
    secrets = {
        "accessToken": "short-one",
        "api": {"auth": "dXNlcjpwYXNz", "password": "hunter2"},
        "other": "sk-ant-0123456789abcdef",
        "blob": "A" * 20 + "1" * 20,
        "url": "https://user:pw@host/",
        "jwt": "eyJhbGciOi.eyJzdWIi.c2ln",
    }
    place.write(json.dumps(secrets | {"env": {"PROXY": "http://vt_agt_old:v@h"}}, indent=1))
    edits = [
        Edit(("env", "PROXY"), f"http://{TOKEN}:v@h:1"),
        Edit(("api",), None),
        Edit(("accessToken",), "__PLACEHOLDER__"),
        Edit(("apiKeyHelper",), "vault-tui auth token"),
    ]
    (change,) = changes_for([FileEdits(place.path, "json", edits, True)], place.user)
    shown = "\n".join(difference(change, Redactor()))
    for secret in ("short-one", "dXNl", "hunter2", "0123456789", "A1", "user:pw", "eyJ", "vt_agt"):
        assert secret not in shown
    assert "mode 0640 -> 0600" in shown
    assert '"accessToken": "__PLACEHOLDER__"' in shown
    assert '"apiKeyHelper": "vault-tui auth token"' in shown
    assert shown.count("http://[redacted ") == 2


def test_a_tab_is_shown_as_the_blanks_that_a_terminal_makes_of_it(place: Place) -> None:
    """Git's settings are indented so; anything else that steers a terminal stays an escape."""
    before, after = b"[a]\n\tb = 2\n\x1b[2J\n", b"[a]\n\tb = 1\n\x1b[2J\n"
    change = Change(place.path, before, after)
    shown = difference(change, Redactor())
    assert "-       b = 2" in shown
    assert "+       b = 1" in shown
    assert " \\x1b[2J" in shown


def test_looking_for_secrets_takes_no_longer_than_the_line_is_long() -> None:
    """A hostile file can't keep the command busy, however it is written."""
    for line in ("a" * 8192, '"token": "' + "\\" * 8000, "-" * 8192, "eyJ" + "a." * 4000):
        began = time.process_time()
        Redactor().redact(line)
        assert time.process_time() - began < 1


def test_a_secret_that_is_longer_than_what_is_looked_at() -> None:
    """It has no closing quote then, and is still not shown."""
    shown = Redactor().redact('"password": "' + "x y" * 100)
    assert "x y" not in shown
