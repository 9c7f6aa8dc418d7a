"""A login and a slot in the desktop's own keyring: a real Secret Service on a bus of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_PROGRAMS = ("dbus-run-session", "gnome-keyring-daemon")
_MISSING = [program for program in _PROGRAMS if shutil.which(program) is None]

# Its default collection is opened by --unlock, and nobody is there to open it again.
_SCRIPT = """
import json, subprocess, sys, time
from pathlib import Path
subprocess.run(["gnome-keyring-daemon", "--unlock", "--components=secrets"], input=b"password",
               stdout=subprocess.DEVNULL, check=True)
from proxy_core.base import os_keyring
os_keyring.bounded.__defaults__ = (60.0,)  # what is tested is not how fast this machine is
from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.seal import SlotDraft, new_dek
from proxy_core.seal.keyring_slot import create_keyring_slot, open_keyring_slot
from proxy_core.tokens import kernel_cache
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import Tokens

kernel_cache._NUMBERS = {}
home, dek, end = Home(Path(sys.argv[1])), new_dek(), time.time() + 3600
home.prepare()
slot = create_keyring_slot(SlotDraft(id="slot-1", label="mine", created_at=end), dek, 60.0)
issuer = "https://issuer.example"
login = Login(issuer=issuer, client_id="cli", token_url=issuer + "/token")
tokens = Tokens(printed="the-access-token", refresh="the-refresh-token", expires_at=end,
                refresh_at=end - 60)
kept = Holder(home, print).keep(login, tokens, 60.0)
found = {"kept": kept.kept, "backend": kept.backend, "slot": open_keyring_slot(slot, 60.0) == dek}
found["token"] = Holder(home, print).token()

import secretstorage
secretstorage.get_default_collection(secretstorage.dbus_init()).lock()
try:
    Holder(home, print).token()
except VaultError as error:
    found["locked"] = [error.code, error.detail]
print(json.dumps(found))
"""


@pytest.fixture
def session() -> Iterator[dict[str, str]]:
    """The variables of a session without a display; sockets need a short path."""
    place = Path(tempfile.mkdtemp(prefix="vt-"))
    named = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "XDG_DATA_HOME": "data"}
    for name in named.values():
        (place / name).mkdir(0o700)
    inherited = ("PATH", "PYTHONPATH", "LANG", "TMPDIR")
    kept = {name: os.environ[name] for name in inherited if name in os.environ}
    yield {**kept, **{variable: str(place / name) for variable, name in named.items()}}
    shutil.rmtree(place)


@pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}")
def test_the_desktops_keyring_keeps_tokens_and_keys(
    tmp_path: Path, session: dict[str, str]
) -> None:
    """They are read again from there, and lie in no file of ours; locked, it is said so."""
    home = tmp_path / "home"
    done = subprocess.run(
        ["dbus-run-session", "--", sys.executable, "-c", _SCRIPT, str(home)],
        env=session,
        cwd=Path.cwd(),
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("locked") == ["keyring_unavailable", "The OS keyring is locked."]
    backend = "keyring.backends.SecretService.Keyring"
    printed = "the-access-token"
    assert found == {"kept": "keyring", "backend": backend, "slot": True, "token": printed}
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not any(b"-token" in content.replace(b"/token", b"") for content in files)
