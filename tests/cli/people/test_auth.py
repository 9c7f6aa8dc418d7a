"""`vault-tui auth …`: signing in at a real provider or the worker, and what stdout gets."""

import asyncio
import json
import os
import pty
import re
import subprocess
import threading
import webbrowser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import keyring
import pytest
from keyring.backends import fail

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client import calls
from proxy_core.tokens import kernel_cache
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login, LoginDirectory
from proxy_core.tokens.tokens import Tokens
from tests.cli.conftest import PROGRAM, CommandLine
from tests.cli.people.test_users import Machine
from tests.cli.test_connect import browse, started
from tests.oauth.person import Person
from tests.oauth.servers import Script, listening, reply
from tests.worker.harness import ThreadedWorker
from vault_tui.cli import fast
from vault_tui.cli.people.auth_sign_in import Way, discovered, sign_in

pytestmark = pytest.mark.xdist_group("oidc-provider")
TOKEN = ("auth", "token")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker that is open; the issuers that it trusts may be on this machine."""
    home = tmp_path_factory.mktemp("auth") / "home"
    worker = ThreadedWorker(home, allow_http_token_urls=True).start()
    worker.init()
    yield worker
    worker.stop()


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Machine]:
    """A machine without a worker and without an OS keyring, in a build's environment."""
    monkeypatch.setenv("CI", "1")
    backend = fail.Keyring()  # type: ignore[no-untyped-call] # keyring's metaclass
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    yield Machine(tmp_path / "home", monkeypatch, capsys)
    kernel_cache.forget(str(tmp_path / "home"))


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A browser with somebody in front of it, who agrees; the addresses it was opened at."""
    opened: list[str] = []

    def open_(url: str) -> bool:
        opened.append(url)
        threading.Thread(target=asyncio.run, args=(_agree(url),), daemon=True).start()
        return True

    monkeypatch.setattr(webbrowser, "open", open_)
    return opened


async def _agree(url: str) -> None:
    async with Person("ann") as person:
        redirect = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        await person.open(await person.connect(url, redirect))


def subject(token: str) -> str:
    """Whose ID token it is."""
    return str(jwt.decode(token.strip(), options={"verify_signature": False})["sub"])


def trust(worker: ThreadedWorker, here: Machine, issuer: str, rule: str) -> None:
    """Let the worker trust the issuer by this rule alone."""
    there = replace(here, home=worker.config.home.path)
    known = ("--replace",) if worker.client().send(calls.issuers()).issuers else ()
    there("issuer", "add", "corp", issuer, "--audience", "public", "--rule", rule, *known)


def test_the_whole_story(here: Machine, issuer: str, person: list[str]) -> None:
    """Sign in, print, look, print the other token, sign out: the token is on stdout alone."""
    login = ("auth", "login", "--browser")
    said = here(*login, "--issuer", issuer, "--client-id", "public", "--json")
    assert "A browser has been opened" in said
    assert "not in the OS keyring" in said
    assert '"subject": "ann"' in said
    printed = here(*TOKEN)
    assert subject(printed) == "ann"
    status = json.loads(here("auth", "status", "--json"))
    assert (status["signed_in"], status["token"], status["kept"]) == (True, "id", "file")
    assert status["email"] == "ann@example.com"
    assert printed.strip() not in here("auth", "status")
    here(*login, "--use", "access")
    other = here(*TOKEN)
    assert "." not in other.strip()
    assert len(person) == 2
    assert "code_challenge_method=S256" in person[0]
    assert here("auth", "logout").startswith("Signed out of")
    assert "vault-tui auth login" in here(*TOKEN, code=1)
    assert "Nobody" in here("auth", "status", code=1)
    assert json.loads(here("auth", "status", "--json", code=1)) == {"signed_in": False}
    assert "Nobody" in here("auth", "logout")


@pytest.mark.parametrize("method", ["basic", "post"])
def test_a_client_with_a_secret(here: Machine, issuer: str, person: list[str], method: str) -> None:
    """It comes by standard input, is used for each request, and is kept with the tokens alone."""
    client, secret = f"client_secret_{method}", "s3cret/+ :%"
    # The issuer's metadata names both ways, the better one first.
    words = ("--auth-method", "post") if method == "post" else ()
    login = ("auth", "login", "--browser", "--client-secret-stdin")
    there = ("--issuer", issuer, "--client-id", client)
    assert "no client secret" in here(*login, *there, code=2)
    said = here(*login, *there, *words, "--use", "access", stdin=f"{secret}\nnot the secret")
    first = here(*TOKEN)
    os.utime(here.home / "login" / "login.json", (0, 0))  # no token of this minute
    assert here(*TOKEN, "--refresh") != first
    said += here("auth", "login", "--browser")  # the secret is still known
    status = json.loads(here("auth", "status", "--json"))
    assert (status["auth_method"], status["client_id"]) == (client, client)
    kept = b"".join(path.read_bytes() for path in (here.home / "login").iterdir())
    assert secret not in said + json.dumps(status)
    assert secret.encode() not in kept
    holder = Holder(Home(here.home), print)
    assert holder.login is not None
    assert holder.secret(holder.login) == secret
    assert holder.secret(replace(holder.login, client_id="other")) == ""
    assert "did not revoke" not in here("auth", "logout")
    assert len(person) == 2


async def test_an_issuer_that_has_codes_alone(tmp_path: Path) -> None:
    """No page to sign in at: the code is asked for without --device."""
    script = Script(reply('{"error":"unauthorized_client"}', 400))
    async with listening(script) as port:
        base = f"http://127.0.0.1:{port}"
        login = Login(issuer=base, client_id="c", token_url=base, device_url=f"{base}/device")
        with pytest.raises(VaultError, match="unauthorized_client"):
            await asyncio.to_thread(sign_in, Holder(Home(tmp_path), print), login, Way())
    assert script.received[0].target == "/device"
    script = Script(reply('{"error":"invalid_client"}', 401))
    async with listening(script) as port:
        login = replace(login, device_url=f"http://127.0.0.1:{port}/device")
        with pytest.raises(VaultError) as caught:
            await asyncio.to_thread(sign_in, Holder(Home(tmp_path), print), login, Way())
    assert "--client-id" in caught.value.extra["help"]
    with pytest.raises(VaultError, match="nor any page"):
        sign_in(Holder(Home(tmp_path), print), replace(login, device_url=""), Way())


def test_another_machine_has_the_browser(here: Machine, issuer: str) -> None:
    """The address is shown on stderr, what it ended at is pasted; wrong ones are refused."""
    line = CommandLine(here.home, token="unused")
    words = ("auth", "login", "--issuer", issuer, "--client-id", "public", "--use", "id")
    with started(line, *words, SSH_CONNECTION="a 1 b 2") as command:
        command.types(browse(command.reads("Paste the code"), opens=False))
        code, out = command.ends()
    assert code == 0, command.shown
    assert "jo@example.com" in out
    assert subject(here(*TOKEN)) == "jo"


def test_a_session_of_the_worker(worker: ThreadedWorker, here: Machine) -> None:
    """On the worker's machine: a scoped session, which signing out ends."""
    here.home = worker.config.home.path
    said = here("auth", "login", "--vault", "default", "--ttl", "300", "--json")
    assert json.loads(said[said.index("{") : said.rindex("}") + 1])["token"] == "session"
    printed = here(*TOKEN).strip()
    assert printed.startswith("vt_sess_")
    listed = here("session", "list", "--json")
    assert '"label": "auth login"' in listed
    here("auth", "logout")
    assert '"label": "auth login"' not in here("session", "list", "--json")


def test_a_session_that_was_revoked(worker: ThreadedWorker, here: Machine) -> None:
    """Who asks again hears of it once it is tried, and is told to sign in; others keep theirs."""
    here.home = worker.config.home.path
    here("auth", "login", "--vault", "default", "--ttl", "300")
    printed = here(*TOKEN)
    os.utime(here.home / "login" / "login.json", (0, 0))  # no token of this minute
    assert here(*TOKEN, "--refresh") == printed
    (session,) = worker.client().send(calls.sessions()).sessions
    worker.client().send(calls.revoke_session(session.id))
    assert here(*TOKEN) == printed
    assert "auth login" in here(*TOKEN, "--refresh", code=1)
    assert "auth login" in here(*TOKEN, code=1)
    assert json.loads(here("auth", "status", "--json", code=1))["signed_in"] is False
    here("auth", "logout")


def test_a_worker_that_trusts_the_issuer_takes_the_token(
    worker: ThreadedWorker, here: Machine, issuer: str, person: list[str]
) -> None:
    """What is printed by default is a JWT for the client; the worker's rule says who that is."""
    trust(worker, here, issuer, "sub=ann -> vault:default")
    here("auth", "login", "--issuer", issuer, "--client-id", "public", "--browser")
    answer = worker.ask("GET", "/discover", token=here(*TOKEN).strip())
    assert (answer.status, answer.json["vault"]) == (200, "default")
    assert person


def test_a_person_s_token_reveals_after_signing_in_anew(
    worker: ThreadedWorker, here: Machine, issuer: str, person: list[str]
) -> None:
    """What stands for a user says by `--fresh` that it was they, this moment; else it does not."""
    worker.add_user("ann", "no-access", default="member")
    worker.client().send(calls.set_credentials({"KEY": "value"}))
    trust(worker, here, issuer, "sub~* -> user-by-name")
    login = ("auth", "login", "--browser")
    here(*login, "--issuer", issuer, "--client-id", "public")
    path = "/v1/credentials?vault=default&key=KEY&reveal=true"
    refused = worker.ask("GET", path, token=here(*TOKEN).strip())
    assert (refused.status, refused.json["code"]) == (403, "issuer_proof_required")
    here(*login, "--fresh")
    assert "max_age=60" in person[1]
    shown = worker.ask("GET", path, token=here(*TOKEN).strip())
    assert [one["value"] for one in shown.json["credentials"]] == ["value"]
    assert "by a JWT of corp" in replace(here, home=worker.config.home.path)("audit")
    assert "device code" in here("auth", "login", "--fresh", "--device", code=2)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--issuer", "https://issuer.test"),
        ("--client-id", "c"),
        ("--issuer", "https://issuer.test", "--client-id", "c", "--vault", "default"),
    ],
)
def test_what_to_say_is_said(here: Machine, words: tuple[str, ...]) -> None:
    """An issuer and a client, or a vault: not half of it, not both."""
    said = here("auth", "login", *words, code=2)
    assert "--issuer" in said


@pytest.mark.parametrize("url", ["http://issuer.test", "not a url", "https://issuer.test/?a=1"])
def test_an_issuer_that_is_none(here: Machine, url: str) -> None:
    """Plain http leads nowhere but to this machine."""
    assert "issuer" in here("auth", "login", "--issuer", url, "--client-id", "c", code=2)


def test_a_session_that_has_ended(here: Machine) -> None:
    """Nothing follows it: status and token say so."""
    ended = Tokens(printed="vt_sess_x", expires_at=1.0, refresh_at=1.0)
    said: list[str] = []
    Holder(Home(here.home), said.append).keep(Login(issuer="http://127.0.0.1:9", vault="v"), ended)
    status = json.loads(here("auth", "status", "--json", code=1))
    assert (status["signed_in"], status["expired"]) == (False, True)
    assert "Sign in" in here(*TOKEN, code=1)


def test_the_fast_line_and_click_agree(
    here: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a login: the same sentence, the same code."""
    said = here(*TOKEN, code=1)
    monkeypatch.setenv("VAULT_TUI_HOME", str(here.home))
    assert fast.answer(TOKEN) == 1
    assert capsys.readouterr().err == said


def test_somebody_at_a_terminal_signs_in_again(here: Machine, issuer: str) -> None:
    """Their login has ended: they are asked on the terminal, and stdout gets the token alone."""
    holder = Holder(Home(here.home), print)
    LoginDirectory(Home(here.home)).save(
        replace(discovered(issuer), client_id="public", printed="id")
    )
    line = CommandLine(here.home)
    environment = line.environment(SSH_CONNECTION="a 1 b 2")
    environment.pop("CI", None)
    master, slave = pty.openpty()
    with (
        os.fdopen(master, "rb+", buffering=0) as terminal,
        subprocess.Popen(
            [*PROGRAM, *TOKEN], stdin=slave, stdout=subprocess.PIPE, stderr=slave, env=environment
        ) as command,
    ):
        os.close(slave)
        shown = b""
        while b"Paste the code" not in shown:
            shown += terminal.read(1024)
        url = re.findall(rb"https?://\S+", shown)[-1].decode()
        terminal.write(browse(url, opens=False).encode() + b"\n")
        out, _ = command.communicate(timeout=30)
    assert command.returncode == 0
    assert subject(out.decode()) == "jo"
    assert out.count(b"\n") == 1
    assert holder.token() == out.decode().strip()
