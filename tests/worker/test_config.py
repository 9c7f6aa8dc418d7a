"""The worker's options: addresses as they are compared, and what the environment says."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.worker.config import WorkerConfig, public_origin
from proxy_core.worker.options import parse_options


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Vault.Example.com/", "https://vault.example.com"),
        ("https://vault.example.com:443", "https://vault.example.com"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://vault.example.com:14321", "https://vault.example.com:14321"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_a_public_url_is_an_origin(given: str, origin: str) -> None:
    """As a browser writes it in the Origin field."""
    assert public_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    ["vault.example.com", "ftp://a", "https://", "https://a/b", "https://a?b", "https://a:x"],
)
def test_what_is_no_public_url(given: str) -> None:
    """Refused with how it should look."""
    with pytest.raises(VaultError, match="--public-url must look like"):
        public_origin(given)


def test_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """For containers; an option counts before it."""
    monkeypatch.setenv("VAULT_TUI_TLS_CERT", str(tmp_path / "cert.pem"))
    monkeypatch.setenv("VAULT_TUI_TLS_KEY", str(tmp_path / "key.pem"))
    monkeypatch.setenv("VAULT_TUI_PUBLIC_URL", "https://vault.example.com")
    found = parse_options([])
    assert (found.tls_cert, found.tls_key) == (tmp_path / "cert.pem", tmp_path / "key.pem")
    assert found.public_url == "https://vault.example.com"
    assert parse_options(["--public-url", "https://other.test"]).public_url == "https://other.test"


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://vault.example.com:8443", "vault.example.com"),
        ("https://192.0.2.1", ""),
        ("https://[2001:db8::1]", ""),
        ("", ""),
    ],
)
def test_vaults_are_named_below_a_public_name_alone(tmp_path: Path, url: str, domain: str) -> None:
    """An address has no names below it."""
    assert WorkerConfig(Home(tmp_path), public_url=url).gateway_domain == domain


def test_starting_such_a_worker_again(tmp_path: Path) -> None:
    """The options say all but the ports, which were picked, and the database, which is secret."""
    given = [
        *("--home", str(tmp_path), "--host", "0.0.0.0", "--insecure", "--allow-http"),
        *("--connect-to", "a:1:b:2", "--connect-to", "c:3:d:4", "--upstream-ca", "/ca.pem"),
        *("--tls-cert", "/cert.pem", "--tls-key", "/key.pem", "--public-url", "https://a.test"),
        *("--socket-group", "0", "--log-level", "debug", "--port", "0", "--proxy-port", "0"),
    ]
    config = parse_options([*given, "--database-url", "postgresql://u:secret@db/vault"])
    again = config.again(1, 2)
    assert "secret" not in " ".join(again)
    found = parse_options(["--home", str(tmp_path), *again])
    assert found == replace(config, port=1, proxy_port=2, database="")
    plain = parse_options(["--home", str(tmp_path)])
    assert (
        parse_options(["--home", str(tmp_path), *plain.again(plain.port, plain.proxy_port)])
        == plain
    )
