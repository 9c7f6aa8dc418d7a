"""`export`: all that is set up, and nothing that is secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.people.test_users import Machine
from tests.worker.harness import ThreadedWorker


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Machine]:
    """A worker's own machine."""
    worker = ThreadedWorker(tmp_path / "home").start()
    worker.init()
    yield Machine(tmp_path / "home", monkeypatch, capsys)
    worker.stop()


def test_what_is_exported_can_be_compared_and_taken_back(here: Machine, tmp_path: Path) -> None:
    """The same twice, changed where something was changed; services come back as they were."""
    here("vault", "create", "beta")
    here("credential", "set", "API_KEY=s3cret-value", "--vault", "beta")
    for name in ("zebra", "apple"):
        options = ["--host", f"{name}.example.com", "--auth", "bearer", "--token", "API_KEY"]
        rule = ["--rule", "deny DELETE /v1/*"]
        here("service", "add", "--name", name, *options, *rule, "--vault", "beta")
    grant = ["--vault", "beta:proxy", "--vault", "default:member"]
    token = json.loads(here("agent", "create", "bot", *grant, "--json"))["av_agent_token"]
    here("config", "set", "unlock_minutes", "7")

    text = here("export")
    assert here("export", "--format", "yaml") == text
    assert text.isascii()
    assert not {"s3cret", token, token[8:], "sha256"} & set(text.split())
    assert "s3cret" not in text
    document = yaml.safe_load(text)
    assert json.loads(here("export", "--format", "json")) == document
    assert document["settings"] == {"unlock_minutes": 7}
    (bot,) = document["agents"]
    assert bot["vaults"] == [
        {"vault": "beta", "role": "proxy"},
        {"vault": "default", "role": "member"},
    ]
    assert [vault["name"] for vault in document["vaults"]] == ["beta", "default"]
    beta = document["vaults"][0]
    assert beta["credentials"] == [{"key": "API_KEY", "type": "static"}]
    # The order in which services are matched is theirs to keep.
    assert [service["name"] for service in beta["services"]] == ["zebra", "apple"]
    assert beta["services"][0]["rules"][0]["action"] == "deny"

    file = tmp_path / "kept.yaml"
    file.write_text(text)
    here("service", "clear", "--yes", "--vault", "beta")
    assert here("export") != text
    here("service", "set", "-f", str(file), "--vault", "beta")
    assert here("export") == text
    only = yaml.safe_load(here("export", "--vault", "beta"))
    assert only == {"export": 1, "vaults": [beta]}
    here("export", "--vault", "nowhere", code=4)
