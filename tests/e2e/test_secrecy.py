"""After a day's work in small, no secret is anywhere but sealed in the database."""

import base64
import json
import os
import secrets
import stat
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from tests.e2e.listeners import answer_ok, certified, listen, over_tls, save_root
from tests.e2e.program import Program, connect_to

pytestmark = [pytest.mark.xdist_group("e2e-secrecy"), pytest.mark.timeout(120)]

HOST = "api.test"


@dataclass
class Day(Program):
    """A day's work done; `hidden` are the secrets by name, `said` what the commands printed."""

    hidden: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def work(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        """A command whose words are kept, whether or not it succeeds."""
        done = self.command(*arguments, check=False, **options)
        self.said += done.stdout + done.stderr
        return done

    def works(self, curl: str) -> None:
        """Set up, use, reveal, fail, rotate: what leaves traces."""
        secret, second = (self.hidden[name] for name in ("secret", "second secret"))
        self.work("credential", "set", "KEY", input=secret)
        self.work("credential", "set", "KEY", input=second)
        self.work("credential", "restore", "KEY", "1")
        self.bearer_services({HOST: "KEY"})
        self.hidden["agent token"] = self.agent("worker-bee")
        assert self.command("credential", "get", "KEY", "--reveal").stdout.strip() == secret
        self.work("run", "--", curl, "-sSv", f"https://{HOST}/?q=1", env=self.environment)
        leak = ("sh", "-c", "echo $AGENT_VAULT_TOKEN")
        self.hidden["session token"] = self.run(*leak).stdout.strip()
        self.go_wrong(curl)
        for command in (["logs"], ["logs", "--json"], ["events", "--json"], ["agent", "list"]):
            self.work(*command)
        for command in (["credential", "list"], ["credential", "history", "KEY"], ["status"]):
            self.work(*command)
        self.work("service", "test", f"https://{HOST}/")

    def go_wrong(self, curl: str) -> None:
        """Wrong passwords, a wrong token, a name that is none, a broken request, a fault."""
        wrong = {"VAULT_TUI_MASTER_PASSWORD": self.hidden["wrong password"]}
        for command in ("unlock", "unseal"):
            assert self.work(command, env=self.environment | wrong).returncode in (0, 5)
        self.work("credential", "set", f"not-a-key={self.hidden['secret']}")
        self.work("credential", "set", "MULTILINE", input=self.hidden["secret"] + "\r\nX: y")
        self.work("service", "add", "--name", "x", "--host", "a b", "--auth", "passthrough")
        proxy = f"http://{self.hidden['wrong token']}:default@{self.proxy}"
        for target in (f"https://{HOST}/", f"http://{HOST}/"):
            subprocess.run([curl, "-sS", "-x", proxy, target], capture_output=True)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Iterator[Day]:
    """The work, done with a umask that would leave every file open to all."""
    base = tmp_path_factory.mktemp("day")
    authority = trustme.CA()
    port = listen(over_tls(certified(authority, HOST), answer_ok))
    root = save_root(authority, base / "root.pem")
    # Characters that look different in every encoding.
    hidden = {
        name: f'<{name}>&"/+ {secrets.token_urlsafe(18)}'
        for name in ("secret", "second secret", "wrong password")
    }
    hidden["wrong token"] = "vt_agt_" + secrets.token_hex(32)
    previous = os.umask(0)
    try:
        with Day(base, hidden=hidden) as made:
            made.hidden["master password"] = made.master
            options = ["--upstream-ca", str(root), *connect_to({HOST: port})]
            made.set_up("--log-level", "debug", *options)
            made.works(need("curl"))
            made.end()
            made.start(
                *options, environment=made.environment | {"VAULT_TUI_MASTER_PASSWORD": made.master}
            )
            made.work("run", "--", need("curl"), "-sS", f"https://{HOST}/", env=made.environment)
            yield made
    finally:
        os.umask(previous)


def spellings(secret: str) -> set[bytes]:
    """The secret as it is and in the encodings in which it travels."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), raw[::-1]}
    found |= {json.dumps(secret)[1:-1].encode(), repr(secret)[1:-1].encode()}
    found |= {urllib.parse.quote(secret, safe=safe).encode() for safe in ("", "/")}
    found.add(urllib.parse.quote_plus(secret).encode())
    found.add(secret.encode("utf-16-le"))
    for offset in range(3):  # where it begins in the stream decides how base64 writes it
        encoded = base64.b64encode(b"\0" * offset + raw).rstrip(b"=")
        stable = encoded[(0, 2, 3)[offset] : len(encoded) - 2]
        found |= {stable, stable.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def leaks(day: Day, place: str, content: bytes) -> list[str]:
    """Which secrets stand in this content."""
    return [
        f"{name} in {place}"
        for name, secret in day.hidden.items()
        if any(spelling in content for spelling in spellings(secret))
    ]


def test_no_file_below_the_home_holds_a_secret(day: Day) -> None:
    """Database, write-ahead log, locks, logs, settings, CA files: none, in no encoding."""
    files = [path for path in day.home.rglob("*") if path.is_file()]
    assert {"vault.db", "worker.pid"} <= {path.name for path in files}
    found = [leak for path in files for leak in leaks(day, path.name, path.read_bytes())]
    assert found == []


def test_the_search_finds_what_is_there(day: Day, tmp_path: Path) -> None:
    """Each spelling would have been found."""
    for name, secret in day.hidden.items():
        for text in (
            secret,
            urllib.parse.quote(secret),
            base64.b64encode(secret.encode()).decode(),
        ):
            assert f"{name} in x" in leaks(day, "x", f"before {text} behind".encode())
        middle = base64.b64encode(b"user:" + secret.encode() + b"!")
        assert f"{name} in x" in leaks(day, "x", middle)


def test_the_process_shows_no_secret(day: Day) -> None:
    """Neither the worker's environment nor its command line, though it was given the password."""
    process = Path(f"/proc/{day.pid}")
    for name in ("environ", "cmdline", "comm"):
        assert leaks(day, name, (process / name).read_bytes()) == []
    assert b"VAULT_TUI_MASTER_PASSWORD=" not in (process / "environ").read_bytes()


def test_the_logs_and_events_show_no_secret(day: Day) -> None:
    """The worker's log at its most talkative, the request log, the events, what commands say."""
    assert leaks(day, "log", (day.base / "worker.stderr").read_bytes()) == []
    assert leaks(day, "output", day.said.encode()) == []
    assert '"path":"/"' in day.said.replace(": ", ":")
    assert "operator.refused" in day.said


def test_files_are_private_whatever_the_umask(day: Day) -> None:
    """0600 and 0700, although the umask would have given everything to everyone."""
    assert stat.S_IMODE(day.home.stat().st_mode) == 0o700
    for path in day.home.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.lstat().st_mode) == wanted, path


def test_only_the_digest_of_a_token_is_kept(day: Day) -> None:
    """Nobody is shown a token again: not its owner, not by any command."""
    listed = day.command("agent", "info", "worker-bee", "--json").stdout
    assert leaks(day, "info", listed.encode()) == []
