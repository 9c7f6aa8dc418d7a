"""`issuer` against a real worker, and how its rules are written."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.wire import IssuerRule
from tests.cli.conftest import CommandLine
from vault_tui.cli.failures import Usage
from vault_tui.cli.people.issuers import issuer, parse_rule, rule_text

KEY = ec.generate_private_key(ec.SECP256R1())


class Published(BaseHTTPRequestHandler):
    """Metadata, and one key."""

    def do_GET(self) -> None:
        url = f"http://{self.headers['Host']}"
        key = jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key(), as_dict=True)
        answer = {"issuer": url, "jwks_uri": f"{url}/keys", "keys": [{**key, "kid": "k1"}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of an issuer."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_issuer_from_beginning_to_end(line: CommandLine, url: str) -> None:
    """Added with rules, tried with a token and with a wrong one, listed, removed."""
    rule = "groups~dev-* -> vault:default:member"
    said = line.ok("issuer", "add", "corp", url, "--audience", "vault", "--rule", rule)
    assert "vault-tui issuer test corp" in said
    claims = {"iss": url, "aud": "vault", "sub": "ada", "exp": 9_999_999_999}
    good = jwt.encode({**claims, "groups": ["dev-1"]}, KEY, "ES256", {"kid": "k1"})
    tried = line.ok("issuer", "test", "corp", "--token-stdin", stdin=good + "\n")
    assert "stands for ada@corp, for default (member)" in tried
    wrong = line("issuer", "test", "corp", "--token-stdin", stdin=jwt.encode(claims, KEY, "ES256"))
    assert wrong.returncode == 5
    assert "no rule says whom it stands for" in wrong.stderr
    listed = line.ok("issuer", "list")
    assert rule in listed
    person = "sub~* -> user-by-name:member"
    line.ok("user", "create", "ada", "--role", "owner", stdin="correct horse battery\n")
    line.ok("issuer", "add", "corp", url, "--audience", "vault", "--rule", person, "--replace")
    tried = line.ok("issuer", "test", "corp", "--token-stdin", stdin=good + "\n")
    assert "stands for ada (member), for nothing" in tried
    line.ok("issuer", "remove", "corp", "--yes")


RULES = [
    ("sub=ada -> agent:ci-bot", IssuerRule(claim="sub", equals="ada", agent="ci-bot")),
    (
        "https://x.example/roles~a=b* -> vault:work:proxy:github,npm",
        IssuerRule(
            claim="https://x.example/roles",
            matches="a=b*",
            vault="work",
            services=["github", "npm"],
        ),
    ),
    (
        "sub=repo:corp/x:ref:a->b -> vault:work:admin",
        IssuerRule(claim="sub", equals="repo:corp/x:ref:a->b", vault="work", role="admin"),
    ),
    (
        "sub=ada -> user:ada@x.example:member",
        IssuerRule(claim="sub", equals="ada", user="ada@x.example", at_most="member"),
    ),
    (
        "email~*@x.example -> user-by-email",
        IssuerRule(claim="email", matches="*@x.example", user_by="email"),
    ),
    (
        "upn~* -> user-by-name:no-access",
        IssuerRule(claim="upn", matches="*", user_by="name", at_most="no-access"),
    ),
]


@pytest.mark.parametrize(("text", "rule"), RULES)
def test_how_a_rule_is_written(text: str, rule: IssuerRule) -> None:
    """And read: the one is the inverse of the other."""
    assert parse_rule(text) == rule
    assert rule_text(rule) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sub=ada",
        "sub -> agent:x",
        "=ada -> agent:x",
        "sub= -> agent:x",
        "sub=a -> x",
        "a=b->user:",
        "a=b->user:x:member:y",
        "a=b->user-by-email:member:y",
    ],
)
def test_what_is_no_rule(text: str) -> None:
    """The command says how one is written."""
    with pytest.raises(Usage, match="CLAIM=VALUE"):
        parse_rule(text)


@given(st.text(max_size=40))
def test_whatever_is_written_is_a_rule_or_refused(text: str) -> None:
    """Nothing else can happen."""
    try:
        rule = parse_rule(text)
    except Usage:
        return
    assert bool(rule.equals) is not bool(rule.matches)
    assert sum(map(bool, (rule.agent, rule.vault, rule.user, rule.user_by))) == 1


def test_a_rule_that_leads_nowhere_any_more() -> None:
    """Whom it named was deleted."""
    assert rule_text(IssuerRule(claim="sub", equals="ada")) == "sub=ada -> (deleted)"


def test_the_help_says_how_rules_are_written() -> None:
    """Without a worker."""
    assert "CLAIM=VALUE -> agent:NAME" in CliRunner().invoke(issuer, ["--help"]).output
