"""Which worker is meant, and which address would show a token to the network."""

from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.client.target import Target

NOWHERE: dict[str, str] = {}


def test_an_address_and_its_token() -> None:
    """From options before the environment."""
    given = {
        "VAULT_TUI_ADDR": "https://vault.example.com:14321",
        "VAULT_TUI_TOKEN": "vt_user_x",
        "VAULT_TUI_CA_FILE": "/etc/ca.pem",
    }
    found = Target.choose(environ=given)
    assert (found.base_url, found.token) == ("https://vault.example.com:14321", "vt_user_x")
    assert found.ca_file == Path("/etc/ca.pem")
    assert "vt_user_x" not in repr(found)
    chosen = Target.choose(addr="https://b.test", token="t", environ=given, ca_file="/b.pem")
    assert (chosen.base_url, chosen.token) == ("https://b.test", "t")
    assert chosen.ca_file == Path("/b.pem")


def test_a_home_is_this_machines(tmp_path: Path) -> None:
    """Whatever address the environment names."""
    found = Target.choose(Home(tmp_path), environ={"VAULT_TUI_ADDR": "https://a.test"})
    assert (found.socket, found.base_url) == (Home(tmp_path).socket, "")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "[::1]", "localhost"])
def test_plain_http_stays_on_this_machine(host: str) -> None:
    """Loopback may be plain."""
    assert Target.choose(addr=f"{host}:7", environ=NOWHERE).base_url == f"http://{host}:7"


@pytest.mark.parametrize("host", ["vault.example.com", "10.0.0.1", "localhost.evil.test", "[::2]"])
def test_plain_http_beyond_it(host: str) -> None:
    """Refused before anything is sent, unless the person insists."""
    with pytest.raises(VaultError, match="--insecure") as caught:
        Target.choose(addr=f"http://{host}:7", environ=NOWHERE)
    assert caught.value.code == "bad_request"
    found = Target.choose(addr=f"http://{host}:7", environ=NOWHERE, insecure=True)
    assert found.base_url == f"http://{host}:7"


@pytest.mark.parametrize(
    "address", ["ftp://a", "https://a/b", "https://me@a", "https://a:x", "https://"]
)
def test_what_is_no_address(address: str) -> None:
    """A sentence that shows how it should look."""
    with pytest.raises(VaultError, match="https://host:port"):
        Target.choose(addr=address, environ=NOWHERE)
