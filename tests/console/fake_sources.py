"""The scripted worker's vaults that an external store backs."""

from typing import Any

from proxy_core.base.clock import FakeClock, rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.client.calls import Call
from proxy_core.domain import wire


class FakeSources:
    """By vault; `answer` what the store says when it is read next: an error, or nothing."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.by_vault: dict[str, wire.SourceInfo] = {}
        self.error = ""

    def back(self, vault: str = "default", **changes: Any) -> wire.SourceInfo:
        """Let a store back a vault; it was read twelve seconds ago."""
        now = self._clock.time()
        values: dict[str, Any] = {
            "vault": vault, "type": "hashicorp", "state": "ok", "interval_seconds": 60,
            "place": "https://vault.example.com:8200 secret/team/app", "last_error": "",
            "created_at": rfc3339(now - 86400), "last_sync_at": rfc3339(now - 12),
            "next_poll_at": rfc3339(now + 48), "failures": 0, "skipped": [],
        }  # fmt: skip
        self.by_vault[vault] = wire.SourceInfo(**{**values, **changes})
        return self.by_vault[vault]

    def named(self, vault: str) -> dict[str, str]:
        """What the list of vaults tells of it."""
        found = self.by_vault.get(vault)
        return {"source": found.type, "source_state": found.state} if found else {}

    def is_asked(self, parts: list[str]) -> bool:
        """Whether a path is `/v1/vaults/{vault}/source` or below it."""
        return parts[:2] == ["v1", "vaults"] and parts[3:4] == ["source"]

    def answer(self, call: Call[Any], parts: list[str]) -> Any:
        """Set, read, show, remove."""
        method, vault, body = call.method, parts[2], call.body
        if method == "PUT":
            return self.back(vault, type=body.type, place=f"{body.url} {body.path}", **self._read())
        if vault not in self.by_vault:
            raise VaultError("not_found", "The vault has no external store.")
        if method == "DELETE":
            del self.by_vault[vault]
            return wire.Deleted(name=vault)
        if method == "POST":
            return self.back(vault, **self._read())
        return self.by_vault[vault]

    def _read(self) -> dict[str, Any]:
        now = rfc3339(self._clock.time())
        if self.error:
            return {"state": "failing", "last_error": self.error, "failures": 1}
        return {"last_sync_at": now}
