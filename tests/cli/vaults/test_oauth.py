"""`credential oauth` against a real worker and a real provider."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.worker.oauth_provider import LiveProvider


@pytest.fixture
def provider() -> Iterator[LiveProvider]:
    """A running provider."""
    with LiveProvider() as running:
        yield running


def tokens(provider: LiveProvider, **more: object) -> str:
    """What is pasted."""
    access, refresh = provider.seed()
    found = {"access_token": access.decode(), "refresh_token": refresh.decode(), **more}
    return json.dumps(found)


def paste(line: CommandLine, provider: LiveProvider, key: str, *more: str, stdin: str = "") -> str:
    """Paste tokens; answers what was printed."""
    url = f"http://127.0.0.1:{provider.port}/token"
    words = ("credential", "oauth", "paste", key, "--token-url", url, "--client-id", "cli", *more)
    return line.ok(*words, stdin=stdin or tokens(provider, expires_in=60))


def test_paste_refresh_and_status(line: CommandLine, provider: LiveProvider) -> None:
    """Tokens come on standard input, and none of them is printed."""
    said = paste(line, provider, "PASTED")
    assert said.startswith("PASTED is connected since 20")
    said += line.ok("credential", "oauth", "refresh", "PASTED")
    found = json.loads(line.ok("credential", "oauth", "status", "PASTED", "--json"))
    assert (found["connected"], found["state"], found["refresh_count"]) == (True, "connected", 1)
    said += line.ok("credential", "oauth", "status", "PASTED")
    assert "state         connected" in said
    assert "_T" not in said.replace("PASTED", "")
    assert (provider.refreshes, provider.reuse) == (2, 0)


def test_the_list_shows_type_end_and_state(line: CommandLine, provider: LiveProvider) -> None:
    """Beside the static ones."""
    paste(line, provider, "LISTED")
    shown = line.ok("credential", "list")
    row = next(row for row in shown.splitlines() if row.startswith("LISTED"))
    assert "oauth" in row
    assert row.endswith("ok")
    assert "EXPIRES" in shown.splitlines()[0]
    assert "next refresh" in line.ok("credential", "get", "LISTED")


def test_a_clients_secret_is_the_first_line(line: CommandLine, provider: LiveProvider) -> None:
    """Of standard input, with the tokens behind it; it is in no argument."""
    stdin = "s3cr3t-of-the-client\n" + tokens(provider, expires_at="2099-01-01T00:00:00Z")
    options = ("--client-secret-stdin", "--auth-method", "basic", "--token-format", "form")
    done = paste(line, provider, "SECRETIVE", *options, "--scopes", "read write", stdin=stdin)
    assert "connected" in done


def test_what_is_refused_is_said_in_a_sentence(
    line: CommandLine, provider: LiveProvider, tmp_path: Path
) -> None:
    """Exit codes as everywhere; what was pasted is not repeated."""
    url = ("--token-url", f"http://127.0.0.1:{provider.port}/token")
    base = ("credential", "oauth", "paste")
    cases = [
        ((*base, "BAD_ONE", *url), "AT_not json", 2),
        ((*base, "BAD_ONE", *url), '["AT_list"]', 2),
        ((*base, "BAD_ONE", *url), '{"access_token": {"AT_": 1}}', 2),
        ((*base, "BAD_ONE"), "{}", 2),
        ((*base, "bad", *url), "{}", 2),
        ((*base, "BAD_ONE", *url), '{"access_token": "AT_x", "refresh_token": "RT_x"}', 2),
        (("credential", "oauth", "status", "NOBODY"), "", 4),
        (("credential", "oauth", "refresh", "NOBODY"), "", 4),
    ]
    for words, stdin, code in cases:
        done = line(*words, stdin=stdin)
        assert done.returncode == code, (words, done.stderr)
        assert len(done.stderr.strip().splitlines()) <= 3
        assert "AT_" not in done.stderr + done.stdout
        assert "RT_" not in done.stderr + done.stdout
    assert line("credential", "get", "BAD_ONE").returncode == 4
