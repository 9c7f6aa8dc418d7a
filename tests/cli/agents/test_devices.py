"""`device` and `managed-settings` against a real worker, within this process."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from proxy_core.domain.claude_gateway import DEVICE_GRANT
from tests.cli.people.test_users import Machine
from tests.worker.harness import ThreadedWorker

SERVICE = (
    *("service", "add", "--name", "claude", "--host", "api.anthropic.com"),
    *("--auth", "passthrough", "--gateway-prefix", "anthropic"),
)


@pytest.fixture
def line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Machine]:
    """The command line over a worker that is set up and open."""
    worker = ThreadedWorker(tmp_path / "home").start()
    worker.init()
    yield Machine(tmp_path / "home", monkeypatch, capsys)
    worker.stop()


def begin(line: Machine) -> tuple[str, dict[str, str]]:
    """The gateway's base URL, and what a device that asks to sign in is told."""
    proxy = json.loads(line("status", "--json"))["proxy"]
    base = f"http://{proxy}/anthropic"
    fields = {"User-Agent": "claude-code/2.1.330"}
    answer = httpx.post(
        base + "/oauth/device_authorization", headers=fields, trust_env=False, timeout=30
    )
    return base, answer.json()


def test_a_device_from_beginning_to_end(line: Machine) -> None:
    """It waits, is approved for an agent, listed, and revoked; another is denied."""
    line(*SERVICE)
    base, device = begin(line)
    code = device["user_code"]
    assert code in line("device", "waiting")
    said = line("device", "approve", code, "--email", "ada@example.com")
    assert said.strip() == f"Approved {code}: it acts as agent ada."
    form = {"grant_type": DEVICE_GRANT, "device_code": device["device_code"]}
    assert (
        httpx.post(base + "/oauth/token", data=form, trust_env=False, timeout=30).status_code == 200
    )
    (found,) = json.loads(line("device", "list", "--json"))["devices"]
    assert (found["agent"], found["email"], found["signed_in"]) == ("ada", "ada@example.com", True)
    line("device", "revoke", found["id"], "--yes")
    assert "No devices." in line("device", "list")
    _, other = begin(line)
    line("device", "deny", other["user_code"])
    assert "No device waits." in line("device", "waiting")


def test_a_devices_code_is_taken_in_a_holds_place(line: Machine) -> None:
    """Approved as a new agent, or denied; an option that is only for requests is refused."""
    line(*SERVICE)
    base, device = begin(line)
    code = device["user_code"]
    line("hold", "approve", code, "--for", "always", code=2)
    line("hold", "deny", code, "--always", code=2)
    assert code in line("device", "waiting")
    assert line("hold", "approve", code.lower()).startswith(f"Approved {code}: it acts as agent ")
    form = {"grant_type": DEVICE_GRANT, "device_code": device["device_code"]}
    assert (
        httpx.post(base + "/oauth/token", data=form, trust_env=False, timeout=30).status_code == 200
    )
    _, other = begin(line)
    assert line("hold", "deny", other["user_code"]).strip() == f"Denied {other['user_code']}."
    assert "No device waits." in line("device", "waiting")


def test_managed_settings_from_a_file(line: Machine, tmp_path: Path) -> None:
    """Set, shown and cleared; what is no JSON object is refused."""
    file = tmp_path / "managed-settings.json"
    file.write_text('{"env": {"A": "b"}}')
    assert "sha256:" in line("managed-settings", "set", str(file))
    assert json.loads(line("managed-settings", "show")) == {"env": {"A": "b"}}
    line("managed-settings", "clear", "--yes")
    for text in ("[]", "{"):
        file.write_text(text)
        line("managed-settings", "set", str(file), code=2)
