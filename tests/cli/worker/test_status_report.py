"""The status in one line, as a status bar shows it."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
import pytest

from proxy_core.base.errors import VaultError
from proxy_core.domain.wire import Status
from vault_tui.cli.connection import Connection
from vault_tui.cli.worker.status_report import show_status

QUIET = Status(
    initialized=True, sealed=False, version="1", api="", proxy="", socket="", pid=1, uptime=1.0,
    streams=2, connections=3, pending_proposals=0, holds=0, log_dropped=0, slots=[],
    database="sqlite", problems=[], operator=False, has_terminal=True,
)  # fmt: skip


@dataclass
class Answering:
    """A connection whose worker answers that."""

    status: Status | VaultError

    @property
    def client(self) -> "Answering":
        return self

    def send(self, _: object) -> Status:
        if isinstance(self.status, VaultError):
            raise self.status
        return self.status


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "open, 2 live"),
        ({"sealed": True}, "sealed, 2 live"),
        ({"initialized": False}, "not set up"),
        (
            {"pending_proposals": 2, "holds": 1, "problems": ["a", "b"]},
            "open, 2 live, 2 proposed, 1 held, 2 problems",
        ),
        ({"problems": ["a"]}, "open, 2 live, 1 problem"),
    ],
)
def test_what_waits_and_what_is_wrong_stands_in_one_line(
    capsys: pytest.CaptureFixture[str], changes: dict[str, Any], said: str
) -> None:
    """Proposals, held requests and problems are counted; what is none is not said."""
    found = msgspec.structs.replace(QUIET, **changes)
    show_status(cast(Connection, Answering(found)), short=True)
    assert capsys.readouterr().out == f"vault: {said}\n"


@pytest.mark.parametrize(
    ("code", "said"), [("no_worker", "off"), ("agent_process", "agent_process")]
)
def test_it_never_fails(capsys: pytest.CaptureFixture[str], code: str, said: str) -> None:
    """A status bar has no place for more than a word."""
    show_status(cast(Connection, Answering(VaultError(code))), short=True)
    assert capsys.readouterr().out == f"vault: {said}\n"
