"""Two machines in one: a worker that speaks TLS, and the command line and an agent elsewhere."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.program import Program, connect_to
from tests.worker.tls import Authority

OWNER, PASSWORD = "ann@example.com", "a long password 42"


@dataclass
class Elsewhere(Program):
    """A machine without a worker; `address` is the worker's."""

    address: str = ""
    ca_file: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.environment |= {"VAULT_TUI_ADDR": self.address, "VAULT_TUI_CA_FILE": self.ca_file}

    @property
    def proving(self) -> dict[str, str]:
        """It has no master password: who signs in is somebody there."""
        return self.environment


@pytest.fixture(scope="module")
def there(
    upstream: tuple[Path, str, int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Program, Authority]]:
    """A worker with an owner, and a service for the upstream."""
    ca, token, port, _ = upstream
    base = tmp_path_factory.mktemp("there")
    authority = Authority(base)
    authority.issue("localhost", "127.0.0.1")
    tls = ("--tls-cert", str(authority.chain), "--tls-key", str(authority.key))
    with Program(base) as made:
        made.set_up("--upstream-ca", str(ca), *connect_to({"api.test": port}), *tls)
        made.command("credential", "set", "UPSTREAM_TOKEN", input=token)
        made.bearer_services({"api.test": "UPSTREAM_TOKEN"})
        made.command("user", "create", OWNER, "--role", "owner", input=PASSWORD + "\n")
        yield made, authority


@pytest.fixture
def here(there: tuple[Program, Authority], tmp_path: Path) -> Elsewhere:
    """The other machine."""
    worker, authority = there
    address = f"https://localhost:{worker.api.rpartition(':')[2]}"
    return Elsewhere(tmp_path, address=address, ca_file=str(authority.ca_file))


def test_from_another_machine(here: Elsewhere, need: Callable[[str], str]) -> None:
    """Signing in, changing the vault, and an agent through the proxy over TLS; out again."""
    refused = here.command("vault", "list", check=False)
    assert (refused.returncode, "vault-tui login --addr" in refused.stderr) == (5, True)
    assert "until" in here.command("login", "--email", OWNER, input=PASSWORD + "\n").stdout
    here.command("credential", "set", "OTHER", input="other-value")
    keys = json.loads(here.command("credential", "list", "--json").stdout)["keys"]
    assert keys == ["OTHER", "UPSTREAM_TOKEN"]
    status = json.loads(here.command("status", "--json").stdout)
    assert (status["tls"], status["operator"]) == (True, True)
    # curl reads the variables for upstreams alone; a private CA of the proxy it has to be told.
    options = "-sS --proxy-cacert $CURL_CA_BUNDLE -w '\\n%{http_code}'"
    run = here.run("sh", "-c", f"{need('curl')} {options} https://api.test/echo")
    assert run.stdout.endswith("\n200"), run.stdout + run.stderr
    shown = here.run("sh", "-c", "echo $HTTPS_PROXY $AGENT_VAULT_ADDR").stdout.split()
    assert shown[0].startswith("https://vt_sess_")
    assert shown[1] == here.address
    here.command("logout")
    assert here.command("vault", "list", check=False).returncode == 5
    assert not (here.home / "worker.pid").exists()
    assert not (here.home / "vault.db").exists()


def test_whom_not_to_trust(here: Elsewhere) -> None:
    """No CA for the certificate, or plain http: refused before a token is sent."""
    for address, environment, told in (
        (here.address, {"VAULT_TUI_CA_FILE": ""}, "is not trusted"),
        ("http://vault.example.com:14321", {}, "--insecure"),
    ):
        environ = here.environment | {"VAULT_TUI_ADDR": address, "VAULT_TUI_TOKEN": "vt_user_x"}
        done = here.command("vault", "list", check=False, env=environ | environment)
        assert done.returncode != 0
        assert told in done.stderr
        assert "vt_user_x" not in done.stderr
