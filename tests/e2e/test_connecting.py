"""A person signs in from the command line, an agent uses the token, and nothing of it leaks."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.e2e.program import VAULT_TUI, Program
from tests.e2e.test_secrecy import spellings
from tests.oauth.servers import Received
from tests.worker.oauth_provider import LiveProvider

pytestmark = [pytest.mark.xdist_group("e2e-connecting"), pytest.mark.timeout(120)]

SWITCHES = ("--allow-http", "--allow-private", "--allow-http-token-urls", "--log-level", "debug")
CLIENT_SECRET = "client-s3cret-&%+/"


@dataclass
class Provider(LiveProvider):
    """Remembers every secret that it has seen or made."""

    secrets: dict[str, str] = field(default_factory=dict)

    async def __call__(self, request: Received) -> bytes | None:
        if verifier := request.form.get("code_verifier"):
            self.secrets["verifier"] = verifier
        return await super().__call__(request)

    def agreed(self, url: str) -> str:
        """The address that the browser is sent to."""
        query = parse_qs(urlsplit(url).query)
        redirect, state = query["redirect_uri"][0], query["state"][0]
        code = self.code(query["code_challenge"][0], redirect)
        self.secrets |= {"state": state, "code": code}
        return f"{redirect}?{urlencode({'code': code, 'state': state})}"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider, and an API that takes its tokens."""
    with Provider() as running:
        running.secrets["client secret"] = CLIENT_SECRET
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program over a vault of its own."""
    with Program(tmp_path) as made:
        made.set_up(*SWITCHES)
        yield made


def sign_in(program: Program, provider: Provider, *more: str) -> str:
    """Connect TOKEN: the browser comes back by itself. What the command has printed."""
    pipe = subprocess.PIPE
    words = [VAULT_TUI, "credential", "oauth", "connect", "TOKEN", "--headless", *more]
    with subprocess.Popen(
        words, env=program.proving, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as command:
        assert command.stdin is not None
        assert command.stdout is not None
        assert command.stderr is not None
        if "--client-secret-stdin" in more:
            command.stdin.write(CLIENT_SECRET + "\n")
            command.stdin.flush()
        shown = ""
        while "Paste the code" not in shown:
            read = command.stderr.read(1)
            assert read, shown
            shown += read
        found = re.search(r"http\S+", shown)
        assert found is not None
        page = httpx.get(provider.agreed(found[0]), timeout=60)
        assert "Signed in" in page.text
        assert command.wait(60) == 0
        return command.stdout.read()


def test_from_the_login_to_the_agents_request(
    program: Program, provider: Provider, need: Callable[[str], str]
) -> None:
    """Connected, lent to an agent, connected anew after the provider has revoked it; and then no
    code, state, verifier, secret or token stands in any file, log, event or answer.
    """
    base = f"http://127.0.0.1:{provider.port}"
    urls = ("--authorization-url", f"{base}/authorize", "--token-url", f"{base}/token")
    own = ("--client-id", "cli", "--client-secret-stdin")
    said = sign_in(program, provider, *urls, *own)
    assert said.startswith("TOKEN is connected")
    host = f"127.0.0.1:{provider.port}"
    words = ("--name", "resource", "--host", host, "--auth", "bearer", "--token", "TOKEN")
    program.command("service", "add", *words)
    curl = (need("curl"), "-sS", "--noproxy", "", f"{base}/resource")
    said += program.run(*curl).stdout
    assert (provider.accepted, provider.refused) == (1, 0)
    provider.revoke()
    said += sign_in(program, provider)
    said += program.run(*curl).stdout
    assert (provider.accepted, provider.refused) == (2, 0)
    for command in (["events", "--json"], ["logs", "--json"], ["credential", "list"]):
        said += program.command(*command, check=False).stdout
    for number, token in enumerate([*provider._issued, *provider._families]):
        provider.secrets[f"token {number}"] = token
    assert len(provider.secrets) == 8
    places = {path.name: path.read_bytes() for path in program.home.rglob("*") if path.is_file()}
    places |= {"log": (program.base / "worker.stderr").read_bytes(), "said": said.encode()}
    found = [
        f"{name} in {place}"
        for place, content in places.items()
        for name, secret in provider.secrets.items()
        if any(spelling in content for spelling in spellings(secret))
    ]
    assert found == []
