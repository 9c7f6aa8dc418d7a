"""A process that is killed amid a rotation or a restoring: all is as it was before."""

import signal
import subprocess
import sys
from pathlib import Path

from proxy_core.domain import wire
from proxy_core.services.application import Application
from proxy_core.services.restoring import Key, restore
from tests.services.conftest import ADA, Opener
from tests.services.test_backups import PHRASE, backed_up, keys, names, yes
from tests.services.test_rotation import ALONE, check_readable, fill

ROTATE = """
import asyncio, os, signal, sys
from proxy_core.domain import wire
from proxy_core.services import rotation
from proxy_core.services.application import Application, ApplicationConfig
from proxy_core.services.principal import operator

async def main():
    app = await Application.open(ApplicationConfig(sys.argv[1]))
    assert await app.keys.unseal_automatically() == "keyfile"
    store = rotation._store_slots

    def killed(session, *slots):
        store(session, *slots)
        os.kill(os.getpid(), signal.SIGKILL)

    rotation._store_slots = killed
    await app.rotation.rotate(wire.RotateKey(), operator("ada"))

asyncio.run(main())
"""
RESTORE = """
import os, signal, sys
from pathlib import Path
from proxy_core.services.restoring import Key, restore

Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
backup, place, file = map(Path, sys.argv[1:])
restore(backup, place, Key(file=file), replace=True, agreed=lambda *_: True)
"""


def killed(program: str, *arguments: Path) -> None:
    """Run it until it kills itself, just before what it does would count."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


async def test_a_rotation_that_is_killed_has_not_happened(
    app: Application, reopen: Opener, tmp_path: Path
) -> None:
    """With everything sealed anew and not committed: the old key opens all, and a next one goes."""
    await fill(app, tmp_path)
    await app.close()
    killed(ROTATE, tmp_path / "vault.db")
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyfile"
    assert app._context.sealer.key_version == 1
    await app.logins._resuming  # type: ignore[misc]
    await check_readable(app)
    assert (await app.rotation.rotate(ALONE, ADA)).key_version == 2
    await check_readable(app)


async def test_a_restoring_that_is_killed_leaves_the_vault_that_was_there(
    app: Application, reopen: Opener, key_file: Path, tmp_path: Path
) -> None:
    """Just before the rename; then it is used again, and restored in earnest."""
    await fill(app, tmp_path)
    backup = await backed_up(app, tmp_path / "vault.backup", passphrase=PHRASE)
    await app.vaults.create(wire.VaultName(name="later"), ADA)
    await app.close()
    killed(RESTORE, backup, tmp_path / "vault.db", key_file)
    assert names(tmp_path, "*.restoring") == ["vault.db.restoring"]
    app = await reopen()
    assert await app.keys.unseal_automatically() == "keyfile"
    assert app._context.vault("later")
    await app.close()
    assert restore(backup, tmp_path / "vault.db", Key(file=key_file), replace=True, agreed=yes)
    assert names(tmp_path, "*.restoring") == []
    assert "API_KEY" in keys(tmp_path / "vault.db")
