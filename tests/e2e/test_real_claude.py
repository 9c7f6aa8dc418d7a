"""The real Claude Code through the real worker: what its user reads, as docs/claude-code.md says.

It is given a minute for each answer, where its own retries take three or four. Nothing of the
account's token ever reaches it.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keyring.backends.fail
import keyring.core
import pytest
import trustme

from proxy_core.base.paths import Home
from proxy_core.tokens.holder import Holder
from proxy_core.tokens.login import Login
from proxy_core.tokens.tokens import Tokens, due
from tests.e2e.anthropic import HOSTS, Anthropic, Refusal
from tests.e2e.claude_code import EMAIL, Setups, installed
from tests.e2e.issuer import AUDIENCE, ShortIssuer
from tests.e2e.program import Program, connect_to

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

TOKEN = "sk-ant-oat01-real"
TEXT = "hi from upstream"
LIFE = 4.0
"""Seconds of an issuer's token: time for one turn."""
SEALED = r"503 The vault is sealed\. `vault-tui unseal` opens it"
REFUSED = r"Failed to authenticate\. API Error: 401 told by upstream"
OVERLOADED = r"Repeated 529 Overloaded errors"
REFUSALS = {
    "refused": Refusal(401, "authentication_error"),
    "used up": Refusal(
        429,
        "rate_limit_error",
        {
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-representative-claim": "five_hour",
            "anthropic-ratelimit-unified-reset": "4000000000",
            "retry-after": "7200",
        },
    ),
    "overloaded": Refusal(529, "overloaded_error"),
}
# How it is set up, what happens, what is read, and how often the upstream is asked at most.
CELLS = [
    ("proxy", "", TEXT, 1),
    ("proxy", "refused", REFUSED, 2),
    ("proxy", "used up", r"You've hit your 5-hour limit", 1),
    ("proxy", "sealed", SEALED, 0),
    ("proxy", "revoked", r"the proxy refused the tunnel: check its credentials", 0),
    ("api-key", "", TEXT, 1),
    ("api-key", "refused", REFUSED, 1),
    ("gateway", "", TEXT, 1),
    ("gateway", "refused", REFUSED, 3),
    ("gateway", "used up", r"Request rejected \(429\)", 3),
    ("gateway", "overloaded", OVERLOADED, 3),
    ("gateway", "sealed", SEALED, 0),
    ("gateway", "revoked", r"401 The token is unknown or was revoked\. Sign in anew", 0),
    ("login", "", TEXT, 1),
    ("login", "refused", REFUSED, 1),
    ("login", "sealed", SEALED, 0),
    ("login", "revoked", r"no longer accepts this session.* sign in again with /login", 0),
    ("account", "", TEXT, 1),
    ("account", "used up", r"You've hit your 5-hour limit", 1),
    ("account", "sealed", r"vault-tui: The vault is sealed\. `vault-tui unseal` opens it", 0),
]


@pytest.fixture(scope="module")
def setups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setups]:
    """A worker with an account and TLS of its own, in front of an upstream."""
    path, base = installed(), tmp_path_factory.mktemp("claude")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(base / "ca.pem"))
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(base / "tls.key"))
    (base / "tls.key").chmod(0o600)
    (base / "tls.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    upstream = Anthropic(base, TEXT)
    with Program(base) as program:
        ports = connect_to(dict.fromkeys(HOSTS, upstream.port))
        tls = ("--tls-cert", str(base / "tls.pem"), "--tls-key", str(base / "tls.key"))
        own = ("--upstream-ca", str(upstream.ca), "--allow-http-token-urls")
        program.set_up(*own, *tls, *ports)
        add_account(program)
        keys = {"api.anthropic.com": "ANTHROPIC"}
        program.bearer_services(keys, gateway={"prefix": "anthropic"})
        url = f"https://{program.proxy}/anthropic"
        made = Setups(program, upstream, path, url, base / "ca.pem")
        yield made
        made.end()
    upstream.stop()


def add_account(program: Program, **more: str) -> None:
    """The account, whose access token is TOKEN: new, or connected anew."""
    tokens = json.dumps({"access_token": TOKEN, "expires_at": 4_000_000_000, **more})
    program.command("account", "add", "--paste-tokens", "--email", EMAIL, input=tokens)


@contextmanager
def happening(setups: Setups, way: str, outcome: str) -> Iterator[None]:
    """What is the matter while Claude Code is asked."""
    setups.upstream.refusal = REFUSALS.get(outcome)
    if outcome == "sealed":
        setups.program.command("seal")
    if outcome == "revoked":
        setups.revoke(way)
    try:
        yield
    finally:
        setups.upstream.refusal = None
        if outcome == "sealed":
            setups.program.command("unseal")
        if outcome == "revoked":
            setups.end()


@pytest.mark.parametrize(("way", "outcome", "read", "asked"), CELLS)
def test_what_its_user_reads(setups: Setups, way: str, outcome: str, read: str, asked: int) -> None:
    """In a minute, in words that say what to do; the upstream sees the account's token alone."""
    claude = setups.of(way)
    setups.upstream.seen.clear()
    with happening(setups, way, outcome):
        said = claude.say()
    assert re.search(read, said.text), said.text
    assert (said.status == 0) == (outcome == "")
    seen = setups.upstream.seen
    assert len(seen) <= asked
    assert set(seen) <= {(f"Bearer {TOKEN}", None)}
    kept = (path for path in claude.home.rglob("*") if path.is_file())
    assert not any(TOKEN.encode() in path.read_bytes() for path in kept)


def test_a_login_that_has_ended(setups: Setups) -> None:
    """The message names the command that mends it; connected anew, it serves again."""
    claude, upstream = setups.of("gateway"), setups.upstream
    upstream.renews = TOKEN
    add_account(setups.program, refresh_token="rt")
    upstream.renews, upstream.refusal = "", REFUSALS["refused"]
    said = claude.say()
    assert "The account ada of vault default has to be connected anew" in said.text
    assert "`vault-tui account add --reconnect ada --vault default`" in said.text
    upstream.refusal = None
    add_account(setups.program)
    assert claude.say().text.strip() == TEXT


def test_managed_settings_are_heeded(setups: Setups, tmp_path: Path) -> None:
    """Who is signed in gets the vault's: here another model."""
    claude, program = setups.of("login"), setups.program
    (tmp_path / "managed.json").write_text('{"model": "claude-managed-1"}')
    program.command("managed-settings", "set", str(tmp_path / "managed.json"))
    try:
        assert claude.say().status == 0
        assert setups.upstream.models[-1] == "claude-managed-1"
    finally:
        program.command("managed-settings", "clear", "--yes")


def test_a_token_ends_between_two_turns(setups: Setups, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own time: the next turn has a new one, with no question, error or retry shown."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", keyring.backends.fail.Keyring())
    program, issuer = setups.program, ShortIssuer(LIFE)
    rule = ("--audience", AUDIENCE, "--rule", "sub=ada -> vault:default")
    program.command("issuer", "add", "corp", issuer.url, *rule)
    login = Login(issuer=issuer.url, client_id="cli", token_url=f"{issuer.url}/token")
    setups.end()
    token, end = issuer.token(), issuer.ends[0]
    kept = Tokens(printed=token, refresh="rt", expires_at=end, refresh_at=due(end - LIFE, end))
    Holder(Home(program.home), print).keep(login, kept)
    try:
        claude = setups.of("gateway")
        with claude.conversation() as talk:
            talk.turn("one")
            # What is tested is that time passes.
            time.sleep(max(0.0, issuer.ends[-1] - time.time()) + 0.1)
            events = talk.turn("two")
        assert (events[-1]["is_error"], events[-1]["result"]) == (False, TEXT)
        assert {event["type"] for event in events} == {"system", "assistant", "result"}
        assert {event["subtype"] for event in events if event["type"] == "system"} == {"init"}
        assert issuer.renewals
    finally:
        setups.end()
        program.command("issuer", "remove", "corp", "--yes")
        issuer.stop()
