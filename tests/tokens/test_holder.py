"""The token: kept, refreshed exactly once, never lost, forgotten."""

import os
import re
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.tokens import kernel_cache, login
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import Tokens
from tests.tokens.rig import Rig, SharedKeyring


def failed(rig: Rig) -> VaultError:
    """Why there is no token."""
    with pytest.raises(VaultError) as caught:
        rig.holder.token()
    return caught.value


def in_processes(rig: Rig, count: int, *, refused: bool = False) -> list[str]:
    """What so many processes print that all want the lock at the same time."""
    begin, go = os.pipe()
    outputs = []
    for _ in range(count):
        out, into = os.pipe()
        if os.fork() == 0:
            try:
                os.close(go)
                os.read(begin, 1)  # until all are there
                holder = rig.holder
                token = holder.renewed(time.time()) if refused else holder.token()
                os.write(into, token.encode())
            finally:
                os._exit(0)
        os.close(into)
        outputs.append(out)
    with rig.directory.locked():
        os.close(go)
        wait_for_waiters(rig.directory.path / "login.lock", count)
    tokens = []
    for out in outputs:
        with os.fdopen(out) as file:
            tokens.append(file.read())
        os.wait()
    os.close(begin)
    return tokens


def wait_for_waiters(path: Path, count: int) -> None:
    """Return once so many processes wait for the lock; the kernel tells, but sends no event."""
    waiting = re.compile(rf"-> FLOCK .*:{path.stat().st_ino} ")
    deadline = time.monotonic() + 60
    while len(waiting.findall(Path("/proc/locks").read_text())) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("no_cache")
def test_a_kept_token_is_printed_as_it_is(rig: Rig) -> None:
    """Nobody is asked while it lives."""
    tokens = rig.sign_in(ends_in=3600)
    assert rig.holder.token() == tokens.printed
    assert rig.server.requests == 0


@pytest.mark.usefixtures("no_cache")
def test_a_token_is_refreshed_a_minute_before_its_end(rig: Rig) -> None:
    """Whoever gets one can use it that long."""
    old = rig.sign_in(ends_in=3600)
    rig.clock.now += 3600 - 61
    assert rig.holder.token() == old.printed
    rig.clock.now += 2
    new = rig.holder.token()
    assert new != old.printed
    assert rig.server.accepts(new.encode())
    assert rig.server.refreshes == 1
    assert not rig.directory.refresh_begun


def test_the_rotated_token_is_used_next_time(rig: Rig) -> None:
    """Each refresh uses what the last one brought; the issuer never sees an old one."""
    rig.sign_in(ends_in=-1)
    seen = {rig.holder.token()}
    for _ in range(3):
        rig.clock.now += 3600
        kernel_cache.forget(str(rig.path))
        seen.add(rig.holder.token())
    assert len(seen) == 4
    assert (rig.server.refreshes, rig.server.reuse) == (4, 0)


@pytest.mark.parametrize("cache", [True, False])
def test_twenty_at_once_make_one_refresh(
    rig: Rig, cache: bool, request: pytest.FixtureRequest
) -> None:
    """Twenty processes print the same new token, with the kernel's cache and without."""
    if not cache:
        request.getfixturevalue("no_cache")
    rig.sign_in(ends_in=-1)
    tokens = in_processes(rig, 20)
    assert len(set(tokens)) == 1
    assert rig.server.accepts(tokens[0].encode())
    assert (rig.server.refreshes, rig.server.reuse) == (1, 0)


def test_twenty_that_want_another_token_make_one_refresh(rig: Rig) -> None:
    """`--refresh` at the same time; and once more at once, which would bring nothing."""
    old = rig.sign_in(ends_in=3600)
    before = time.time() - 120
    os.utime(rig.directory.path / "login.json", (before, before))
    (new,) = set(in_processes(rig, 20, refused=True))
    assert new != old.printed
    assert rig.holder.renewed(time.time()) == new
    assert (rig.server.refreshes, rig.server.reuse) == (1, 0)


@pytest.mark.usefixtures("no_cache")
def test_a_refused_token_that_nothing_follows(rig: Rig) -> None:
    """It is printed as it is, and that is said."""
    tokens = rig.sign_in(ends_in=30, refresh="")
    before = time.time() - 120
    os.utime(rig.directory.path / "login.json", (before, before))
    assert rig.holder.renewed(time.time()) == tokens.printed
    assert "auth login" in rig.said[-1]


def test_a_refused_refresh_ends_the_login(rig: Rig) -> None:
    """No tokens are left, how to sign in is; the issuer isn't asked again."""
    rig.sign_in(ends_in=-1, refresh="RT_revoked")
    error = failed(rig)
    assert (error.code, error.exit_code) == ("not_signed_in", 1)
    assert "invalid_grant" in error.detail
    assert "vault-tui auth login" in error.advice
    assert rig.known().issuer
    assert not rig.known().kept
    assert not list(rig.directory.path.glob("tokens.*"))
    assert failed(rig).code == "not_signed_in"
    assert rig.server.requests == 1


def test_an_issuer_in_trouble_ends_nothing(rig: Rig) -> None:
    """The old token is printed while it lives; then it fails, and later it works again."""
    old = rig.sign_in(ends_in=30)
    rig.server.fail = [503, 503, 404]
    assert rig.holder.token() == old.printed
    assert "could not be refreshed" in rig.said[-1]
    rig.clock.now += 31
    assert failed(rig).code == "oauth_refresh_failed"
    assert failed(rig).code == "oauth_refresh_failed"
    assert rig.holder.token() != old.printed
    assert rig.server.reuse == 0


def test_a_refresh_that_broke_off(rig: Rig) -> None:
    """The old refresh token is tried; refused, the login has ended, and the reason is told."""
    rig.sign_in(ends_in=-1)
    rig.server.drop = 1
    assert failed(rig).code == "not_signed_in"  # the second try was a reuse
    rig.sign_in(ends_in=-1, refresh="RT_revoked")
    rig.directory.begin_refresh()
    assert "broke off" in failed(rig).detail
    assert not rig.directory.refresh_begun


def test_the_intent_is_there_before_the_issuer_is_asked(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed in between leaves the mark, and the old token, on the disk."""
    seen: list[bool] = []
    answer = rig.server._refresh

    def look(token: str) -> bytes | None:
        seen.append(rig.directory.refresh_begun)
        return answer(token)

    monkeypatch.setattr(rig.server, "_refresh", look)
    rig.sign_in(ends_in=-1)
    rig.holder.token()
    assert seen == [True]


def test_a_signal_waits_until_the_new_tokens_are_stored(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that loses patience must not cost the login."""
    stored: list[bool] = []
    answer, main = rig.server._refresh, threading.main_thread().ident
    assert main

    def impatient(token: str) -> bytes | None:
        signal.pthread_kill(main, signal.SIGTERM)
        return answer(token)

    monkeypatch.setattr(rig.server, "_refresh", impatient)
    rig.sign_in(ends_in=-1)
    before = signal.signal(
        signal.SIGTERM, lambda *_: stored.append(not rig.directory.refresh_begun)
    )
    try:
        rig.holder.token()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stored == [True]
    assert rig.server.reuse == 0


def test_a_keyring_that_fails_after_a_rotation_loses_nothing(
    rig: Rig, os_keyring: type[SharedKeyring]
) -> None:
    """The new tokens go to the file, and that is said."""
    rig.sign_in(ends_in=-1)
    assert rig.known().kept == "keyring"
    os_keyring.refuses = True
    new = rig.holder.token()
    assert rig.known().kept == "file"
    assert "not in the OS keyring" in rig.said[-1]
    assert "RT_" not in "".join(rig.said)
    rig.clock.now += 3600
    kernel_cache.forget(str(rig.path))
    assert rig.holder.token() != new
    assert (rig.server.refreshes, rig.server.reuse) == (2, 0)


def test_the_tokens_are_in_the_keyring_alone(rig: Rig, os_keyring: type[SharedKeyring]) -> None:
    """The files of the home name the keyring and hold no secret."""
    tokens = rig.sign_in(ends_in=3600)
    assert rig.known().backend == "tests.tokens.rig.SharedKeyring"
    (entry,) = os_keyring.shared.values()
    assert tokens.refresh in entry
    files = [path for path in rig.path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert not re.search(rb"[AR]T_", path.read_bytes())
        assert path.stat().st_mode & 0o777 == 0o600
    assert rig.directory.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("no_cache")
def test_a_token_that_nothing_follows_is_good_to_its_end(rig: Rig) -> None:
    """A session of the worker has no refresh token."""
    tokens = rig.sign_in(ends_in=30, refresh="")
    assert rig.holder.token() == tokens.printed
    rig.clock.now += 31
    assert failed(rig).code == "not_signed_in"


def test_nobody_has_signed_in(rig: Rig) -> None:
    """The first command says what to type."""
    error = failed(rig)
    assert error.code == "not_signed_in"
    assert "--issuer" in error.advice


def test_a_new_login_takes_the_place_of_the_old_one(
    rig: Rig, os_keyring: type[SharedKeyring]
) -> None:
    """Nothing is left of the tokens that were in a file."""
    os_keyring.refuses = True
    rig.sign_in(ends_in=3600)
    assert list(rig.directory.path.glob("tokens.*"))
    os_keyring.refuses = False
    new = rig.sign_in(ends_in=3600)
    assert not list(rig.directory.path.glob("tokens.*"))
    assert rig.holder.token() == new.printed


def test_forgetting_revokes_and_removes_everywhere(
    rig: Rig, os_keyring: type[SharedKeyring]
) -> None:
    """Cache, keyring and files; what can't be revoked is said, and removed all the same."""
    tokens = rig.sign_in(ends_in=3600)
    revoked: list[str] = []

    def revoke(login: Login, kept: Tokens) -> None:
        revoked.append(kept.refresh)
        raise VaultError("oauth_login_failed", "not there")

    assert rig.holder.forget(revoke) is not None
    assert revoked == [tokens.refresh]
    assert rig.said == ["not there"]
    assert kernel_cache.cached(str(rig.path)) is None
    assert not os_keyring.shared
    assert [path.name for path in rig.directory.path.iterdir()] == ["login.lock"]
    assert rig.holder.forget(revoke) is None


@pytest.mark.usefixtures("no_cache")
def test_tokens_that_are_gone_or_damaged(rig: Rig, os_keyring: type[SharedKeyring]) -> None:
    """Someone emptied the keyring, or wrote something else: sign in again."""
    rig.sign_in(ends_in=3600)
    (key,) = os_keyring.shared
    for text in ("{}", "[]", "x", '{"version":1}', '{"version":1,"printed":3}'):
        os_keyring.shared[key] = text
        assert failed(rig).code == "not_signed_in"
    os_keyring.shared.clear()
    assert failed(rig).code == "not_signed_in"


@pytest.mark.parametrize(
    "content",
    ["x", "[]", '{"kept": 1}', '{"kept": "attic"}', '{"expires_at": "soon"}', '{"new": 1}'],
)
def test_a_login_file_that_is_not_understood(rig: Rig, content: str) -> None:
    """It is named, and nothing is guessed: damaged, or of a newer version."""
    rig.sign_in(ends_in=3600)
    Path(rig.directory.path / "login.json").write_text(content)
    error = failed(rig)
    assert error.code == "home_unusable"
    assert "login.json" in error.detail
    assert ("newer version of vault-tui" in error.detail) == ("new" in content)


def test_an_issuer_that_gives_no_new_id_token(rig: Rig) -> None:
    """The rotated refresh token is kept, the old ID token printed to its end, then it fails."""
    old = rig.sign_in(ends_in=30)
    rig.directory.save(replace(rig.known(), printed="id"))
    assert rig.holder.token() == old.printed
    rig.clock.now += 31
    assert failed(rig).code == "oauth_refresh_failed"
    assert (rig.server.refreshes, rig.server.reuse) == (2, 0)


def test_twenty_at_once_share_a_failure(rig: Rig) -> None:
    """An issuer that is down is asked once for all who wait, and again for whoever comes later."""
    old = rig.sign_in(ends_in=30)
    rig.server.fail = [503]
    assert set(in_processes(rig, 20)) == {old.printed}
    assert rig.server.requests == 1
    assert rig.holder.token() != old.printed
    assert rig.server.refreshes == 1


def test_a_full_disk_is_noticed_before_the_refresh_token_is_used(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better no new token than a rotated one that can't be stored."""
    rig.sign_in(ends_in=-1)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    opened = login.open_private_file

    def on_a_full_disk(path: Path, flags: int) -> int:
        return os.open(full, os.O_WRONLY) if path.name == "refresh.begun" else opened(path, flags)

    with monkeypatch.context() as patch:
        patch.setattr(login, "open_private_file", on_a_full_disk)
        with pytest.raises(OSError, match="No space left"):
            rig.holder.token()
    assert rig.server.requests == 0
    assert rig.server.accepts(rig.holder.token().encode())


@pytest.mark.usefixtures("no_cache")
def test_a_keyring_that_is_out_of_reach(
    rig: Rig, os_keyring: type[SharedKeyring], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said what to do, and the login is left as it is."""
    rig.sign_in(ends_in=3600)
    for backend in ("no.such.Keyring", "tests.tokens.rig.NoSuchKeyring"):
        rig.directory.save(replace(rig.known(), backend=backend))
        error = failed(rig)
        assert error.code == "keyring_unavailable"
        assert "auth login" in error.advice
    assert rig.known().kept == "keyring"
