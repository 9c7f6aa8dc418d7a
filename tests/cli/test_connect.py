"""`credential oauth connect` and `account add` against a real worker and real providers."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from proxy_core.client import calls
from proxy_core.client.sync_client import SyncClient
from proxy_core.client.target import Target
from proxy_core.domain.wire import OAuthStatus
from tests.cli.conftest import PROGRAM, CommandLine, with_default_signals
from tests.oauth.person import Person
from tests.oauth.servers import Received, reply
from tests.ports import reserved_port
from tests.worker.oauth_provider import LiveProvider

pytestmark = pytest.mark.xdist_group("oidc-provider")

CONNECT = ("credential", "oauth", "connect")
SECRET = "s3cret/+ :%"
_URL = re.compile(r"https?://\S+")


@dataclass
class Started:
    """A command that waits for a person; its standard input stays open."""

    process: "subprocess.Popen[str]"
    shown: str = ""

    def reads(self, until: str) -> str:
        """What it says on stderr, until that matches a pattern; the last URL in it."""
        assert self.process.stderr is not None
        while not re.search(until, self.shown):
            read = self.process.stderr.read(1)
            assert read, self.shown
            self.shown += read
        urls = _URL.findall(self.shown)
        return str(urls[-1]) if urls else ""

    def types(self, text: str) -> None:
        """Type a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ends(self) -> tuple[int, str]:
        """Exit code and standard output, once it has ended by itself."""
        code = self.process.wait(60)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.shown += self.process.stderr.read()
        return code, self.process.stdout.read()


@contextmanager
def started(line: CommandLine, *arguments: str, **environment: str) -> Iterator[Started]:
    """Start a command as an operator, without a display."""
    given = line.environment(VAULT_TUI_TOKEN=line.token, **environment)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "BROWSER"):
        if name not in environment:
            given.pop(name, None)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        env=given,
        text=True,
        start_new_session=True,
        preexec_fn=with_default_signals,
    ) as process:
        try:
            yield Started(process)
        finally:
            process.kill()


def status(line: CommandLine, key: str) -> OAuthStatus:
    """How a credential's login is."""
    client = SyncClient(Target(socket=line.home / "worker.sock", token=line.token))
    return client.send(calls.oauth_status(key))


def browse(url: str, opens: bool = True) -> str:
    """A person agrees; the address where the browser ended, opened or not."""

    async def through() -> str:
        redirect = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        async with Person() as person:
            address = await person.connect(url, redirect)
            if opens:
                assert "Signed in" in (await person.open(address)).text
            return address

    return asyncio.run(through())


def test_a_callback_that_arrives_by_itself(line: CommandLine, issuer: str) -> None:
    """It ends the wait at once, though nobody has typed anything."""
    words = (*CONNECT, "ARRIVES", "--issuer", issuer, "--client-id", "public", "--json")
    with started(line, *words) as command:
        url = command.reads("Paste the code")
        browse(url)
        code, out = command.ends()
    assert code == 0
    flow = json.loads(out)
    assert (flow["state"], flow["key"], flow["kind"]) == ("connected", "ARRIVES", "headless")
    assert status(line, "ARRIVES").connected


def test_a_pasted_address(line: CommandLine, issuer: str) -> None:
    """Where the browser is on another machine."""
    words = (*CONNECT, "PASTED_URL", "--issuer", issuer, "--client-id", "public", "--headless")
    with started(line, *words) as command:
        address = browse(command.reads("Paste the code"), opens=False)
        command.types(address)
        code, out = command.ends()
    assert code == 0
    assert out.startswith("PASTED_URL is connected since 20")
    assert status(line, "PASTED_URL").connected


def test_a_script_that_pastes_the_wrong_thing(line: CommandLine, issuer: str) -> None:
    """It fails at once, and the login is given up."""
    words = (*CONNECT, "WRONG", "--issuer", issuer, "--client-id", "public")
    with started(line, *words) as command:
        url = command.reads("Paste the code")
        address = browse(url, opens=False)
        command.types(address.replace("state=", "state=x"))
        code, _ = command.ends()
    assert code == 2
    assert "state is not ours" in command.shown

    async def late() -> str:
        async with Person() as person:
            return (await person.open(address)).text

    assert "Not this login" in asyncio.run(late())


def test_connecting_anew(line: CommandLine, issuer: str) -> None:
    """A client's secret comes on standard input, once: it is kept with the configuration."""
    own = ("--issuer", issuer, "--client-id", "client_secret_basic", "--client-secret-stdin")
    with started(line, *CONNECT, "ANEW", *own) as command:
        command.types(SECRET)
        command.types(browse(command.reads("Paste the code"), opens=False))
        assert command.ends()[0] == 0
    before = status(line, "ANEW").connected_at
    with started(line, *CONNECT, "ANEW") as command:
        browse(command.reads("Paste the code"))
        assert command.ends()[0] == 0
    assert status(line, "ANEW").connected_at > before
    assert SECRET not in command.shown


def test_a_device_code(line: CommandLine, issuer: str) -> None:
    """It is shown with its address, and the command ends when it has been confirmed."""
    words = (*CONNECT, "TV", "--issuer", issuer, "--client-id", "public", "--device")
    with started(line, *words) as command:
        url = command.reads(r"or open \S+\n")
        assert re.search(r"type the code [A-Z]{4}-[A-Z]{4}\n", command.shown)

        async def confirm() -> str:
            async with Person() as person:
                return await person.agree(url)

        assert "Sign-in Success" in asyncio.run(confirm())
        code, out = command.ends()
    assert code == 0
    assert out.startswith("TV is connected")


def test_client_credentials(line: CommandLine, issuer: str) -> None:
    """Nobody is asked; the secret stands in no argument and is not shown."""
    own = ("--issuer", issuer, "--client-id", "client_secret_post", "--client-secret-stdin")
    words = (*CONNECT, "OWN", *own, "--auth-method", "post", "--grant", "client-credentials")
    said = line.ok(*words, "--scopes", "api", stdin=SECRET + "\n")
    assert said.startswith("OWN is connected")
    done = line(*words, "--scopes", "api", stdin="wrong-s3cret\n")
    assert done.returncode == 1
    assert "invalid_client" in done.stderr
    assert "s3cret" not in done.stderr


def test_leaving_early(line: CommandLine, issuer: str) -> None:
    """Ctrl-C gives the login up: its port is free again."""
    words = (*CONNECT, "LEFT", "--issuer", issuer, "--client-id", "public")
    with reserved_port() as port:
        with started(line, *words, "--callback-port", str(port)) as command:
            command.reads("Paste the code")
            with socket.socket() as other:
                assert other.connect_ex(("127.0.0.1", port)) == 0
            command.process.send_signal(signal.SIGINT)
            assert command.ends()[0] == 130
        with socket.socket() as other:
            assert other.connect_ex(("127.0.0.1", port)) != 0


def test_a_terminal(line: CommandLine, issuer: str) -> None:
    """A person who pastes the wrong thing is told so, and asked again."""
    master, slave = pty.openpty()
    words = (*CONNECT, "TERMINAL", "--issuer", issuer, "--client-id", "public", "--no-browser")
    environment = line.environment(VAULT_TUI_TOKEN=line.token)
    command = subprocess.Popen(
        [*PROGRAM, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        shown = _shown(master, "Paste the code")
        url = _URL.findall(shown)[-1]
        os.write(master, b"not#this\n")
        shown = _shown(master, "Paste the code")
        assert "state is not ours" in shown
        os.write(master, b"x y" * 2000 + b"\n")
        assert "takes 4095 characters a line" in _shown(master, "Paste the code")
        browse(url)
        assert "TERMINAL is connected" in _shown(master, "is connected since")
        assert command.wait(60) == 0
    finally:
        command.kill()
        command.wait()
        os.close(master)


def _shown(master: int, until: str) -> str:
    shown = b""
    while until.encode() not in shown:  # a read may end within a character
        shown += os.read(master, 4096)
    return shown.decode(errors="replace")


@pytest.mark.parametrize(
    "words",
    [
        (*CONNECT, "K", "--device", "--grant", "jwt-bearer"),
        (*CONNECT, "K", "--grant", "jwt-bearer", "--client-secret-stdin"),
        (*CONNECT, "K", "--issuer", "https://x.test", "--assertion", "subject"),
        (*CONNECT, "K"),
        (*CONNECT, "K", "--provider", "no-such"),
        (*CONNECT, "K", "--token-url", "http://x.test/", "--client-id", "a"),
        (*CONNECT, "bad key", "--provider", "github"),
        (*CONNECT, "K", "--issuer", "https://x.test", "--client-secret-stdin"),
        ("account", "add", "--paste-tokens", "--headless"),
        ("account", "add", "--paste-tokens", "--no-browser"),
    ],
)
def test_usage(line: CommandLine, words: tuple[str, ...]) -> None:
    """What doesn't go together is said before anything begins."""
    assert line(*words).returncode == 2


def test_providers(line: CommandLine) -> None:
    """What is known, and what to bring along."""
    said = line.ok("credential", "oauth", "providers")
    assert re.search(r"anthropic +Anthropic +nothing +- +http://localhost:54545/callback", said)
    assert re.search(r"github +GitHub +client id, secret +yes", said)
    found = json.loads(line.ok("credential", "oauth", "providers", "--json"))
    assert len(found["providers"]) > 10


# --- accounts ---------------------------------------------------------------------------------


@pytest.fixture
def callback_port() -> None:
    """The port by which alone the provider knows the redirect is free.

    Whatever listens anywhere on the machine may have been given it by chance, for a while.
    """
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_server(("127.0.0.1", 54545)).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "port 54545 is taken"
            time.sleep(0.1)  # nobody tells when a port is free


def one_port(test: Callable[..., None]) -> Callable[..., None]:
    """One test at a time may listen on that port."""
    alone = pytest.mark.xdist_group("callback-port")(test)
    return pytest.mark.usefixtures("callback_port")(alone)


class Claude(LiveProvider):
    """Speaks JSON at its token endpoint, and tells whose account it is."""

    email = "ada@example.com"

    async def __call__(self, request: Received) -> bytes | None:
        if request.headers["content-type"] == "application/json":
            fields = json.loads(request.body)
            request = replace(request, body=urlencode(fields).encode())
        return await super().__call__(request)

    def _tokens(self, access: str, refresh: str | None) -> bytes:
        fields = json.loads(super()._tokens(access, refresh).partition(b"\r\n\r\n")[2])
        return reply(json.dumps({**fields, "account": {"email_address": self.email}}))

    def agreed(self, url: str) -> tuple[str, str, str]:
        """As if the person had agreed: the redirect, a code, and the state."""
        query = parse_qs(urlsplit(url).query)
        redirect = query["redirect_uri"][0]
        return redirect, self.code(query["code_challenge"][0], redirect), query["state"][0]


@pytest.fixture
def claude() -> Iterator[Claude]:
    """A running provider of accounts."""
    with Claude() as running:
        yield running


@pytest.fixture
def adding(line: CommandLine, claude: Claude) -> Iterator[Callable[..., tuple[str, ...]]]:
    """`account add` for this provider, in a vault of its own."""
    base = f"http://127.0.0.1:{claude.port}"
    line.ok("vault", "create", "signed-in")

    def words(*more: str) -> tuple[str, ...]:
        urls = ("--authorization-url", f"{base}/authorize", "--token-url", f"{base}/token")
        return ("account", "add", *urls, "--vault", "signed-in", *more)

    yield words
    line.ok("vault", "delete", "signed-in", "--yes")


Adding = Callable[..., tuple[str, ...]]


def test_an_account(line: CommandLine, claude: Claude, adding: Adding) -> None:
    """The provider's page shows `code#state`, which is pasted; again, it is connected anew."""
    said = []
    for _ in range(2):
        with started(line, *adding(), SSH_CONNECTION="a b c d", DISPLAY=":0") as command:
            redirect, code, state = claude.agreed(command.reads("Paste the code"))
            assert redirect == "https://platform.claude.com/oauth/code/callback"
            command.types(f"{code}#{state}")
            done, out = command.ends()
        assert done == 0
        said.append(out)
    assert said == [
        "Added ada (ada@example.com). Its credential is ANTHROPIC.\n",
        "Connected ada (ada@example.com).\n",
    ]
    listed = json.loads(line.ok("account", "list", "--vault", "signed-in", "--json"))
    accounts = listed["providers"]["claude"]["accounts"]
    assert list(accounts) == ["ada@example.com"]
    assert accounts["ada@example.com"]["pools"] == ["ANTHROPIC"]


@one_port
def test_an_account_whose_callback_is_pasted(
    line: CommandLine, claude: Claude, adding: Adding
) -> None:
    """The redirect leads to this machine, and no browser is opened."""
    with started(line, *adding("--paste-callback", "--nickname", "work")) as command:
        redirect, code, state = claude.agreed(command.reads("Paste the code"))
        assert redirect == "http://localhost:54545/callback"
        command.types(f"{redirect}?{urlencode({'code': code, 'state': state})}")
        done, out = command.ends()
    assert (done, out) == (0, "Added work (ada@example.com). Its credential is ANTHROPIC.\n")
    claude.email = "bob@example.com"
    with started(line, *adding("--reconnect", "work", "--provider", "claude")) as command:
        _, code, state = claude.agreed(command.reads("Paste the code"))
        command.types(f"{code}#{state}")
        assert command.ends()[0] == 1
    assert "Signed in as bob@example.com" in command.shown
    claude.email = "ada@example.com"
    words = ("account", "add", "--reconnect", "work", "--vault", "signed-in", "--json")
    with started(line, *words) as command:
        _, code, state = claude.agreed(command.reads("Paste the code"))
        command.types(f"{code}#{state}")
        done, out = command.ends()
    assert json.loads(out)["reconnected"]


@one_port
@pytest.mark.parametrize("how", ["--paste-callback", "--headless"])
def test_nothing_is_waited_for_when_nothing_can_be_pasted(
    line: CommandLine, claude: Claude, adding: Adding, how: str
) -> None:
    """Without standard input it ends at once, with a sentence, and the login is given up."""
    done = line(*adding(how, "--nickname", "work"), stdin="")
    assert done.returncode == 1
    assert "Standard input ended before anything was pasted" in done.stderr
    assert done.stdout == ""


@one_port
def test_nothing_is_waited_for_when_standard_input_is_closed(
    line: CommandLine, claude: Claude, adding: Adding
) -> None:
    """As `<&-` leaves it: its number is nobody else's."""
    command = [*PROGRAM, *adding("--paste-callback", "--nickname", "work")]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command],
        env=line.environment(VAULT_TUI_TOKEN=line.token),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Standard input ended before anything was pasted" in done.stderr


@one_port
def test_a_browser_is_opened(
    line: CommandLine, claude: Claude, adding: Adding, tmp_path: Path
) -> None:
    """With a display here: it gets the address, and what it prints is not the answer."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "browser talk"\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    words = adding("--json", "--nickname", "opened")
    with started(line, *words, DISPLAY=":0", BROWSER=str(browser)) as command:
        url = command.reads("Paste the code")
        assert seen.read_text() == url
        redirect, code, state = claude.agreed(url)
        assert redirect == "http://localhost:54545/callback"
        command.types(f"{code}#{state}")
        done, out = command.ends()
    assert done == 0
    assert json.loads(out)["account"]["nickname"] == "opened"
    assert "browser talk" in command.shown
