"""The audit of the scripted worker."""

from typing import Any

from proxy_core.base.clock import Clock, rfc3339
from proxy_core.domain import wire

HEAD = "ab" * 32


class FakeAudit:
    """`entries` oldest first; `fault` is what verifying finds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.entries: list[wire.AuditEntry] = []
        self.fault = ""

    def add(self, action: str, target: str = "", **more: Any) -> wire.AuditEntry:
        """One entry more."""
        seq = len(self.entries) + 1
        entry = wire.AuditEntry(
            **{
                "seq": seq,
                "at": rfc3339(self._clock.time() - 600 + seq),
                "action": action,
                "actor": wire.AuditActor(kind="operator", name="ada"),
                "source": {"uid": 1000, "pid": 4242, "tty": "pts/3"},
                "route": "POST /v1/credentials",
                "vault": "default",
                "target": target,
                "before": {},
                "after": {},
                "hash": f"{seq:064x}",
                "sealed": True,
                **more,
            }
        )
        self.entries.append(entry)
        return entry

    def page(self, query: dict[str, str]) -> wire.AuditPage:
        """As the worker answers."""
        limit = int(query.get("limit", 100))
        found = [entry for entry in reversed(self.entries) if _passes(entry, query)]
        more = len(found) > limit and "after" not in query
        return wire.AuditPage(
            entries=found[:limit],
            next_cursor=str(found[limit - 1].seq) if more else None,
            latest_seq=len(self.entries),
        )

    def verified(self) -> wire.AuditVerified:
        """Whole, or with the fault."""
        count = len(self.entries)
        well = f"All {count} entries, 1 to {count}, are as they were written."
        return wire.AuditVerified(
            ok=not self.fault,
            summary=self.fault or well,
            first=1,
            last=count,
            count=count,
            head=f"{count}:{HEAD}",
            unsealed=0,
            seals_checked=True,
            broken_at=1 if self.fault else None,
        )


def furnish(audit: FakeAudit) -> None:
    """One of each kind that looks different."""
    audit.add("vault.unsealed", "password", after={"slot": "password"}, vault="",
              actor=wire.AuditActor(kind="peer", name="ada"), route="POST /v1/unseal")  # fmt: skip
    audit.add("credential.set", "GITHUB_TOKEN",
              before={"current_version": 1},
              after={"current_version": 2, "value": "changed"})  # fmt: skip
    audit.add("service.updated", "github", before={"enabled": True}, after={"enabled": False},
              actor=wire.AuditActor(kind="user", name="bob@example.com"),
              source={"address": "192.0.2.17"},
              route="PATCH /v1/vaults/{vault}/services")  # fmt: skip
    audit.add("credential.revealed", "STRIPE_KEY", route="GET /v1/credentials")
    audit.add("operator.refused", "password", after={"why": "wrong_key", "times": 4}, vault="",
              actor=wire.AuditActor(kind="peer", name="mallory"), source={"uid": 1001, "pid": 9},
              route="POST /v1/unlock", sealed=False)  # fmt: skip
    audit.add("vault.sealed", after={"why": "worker (idle)"}, vault="", source={}, route="",
              actor=wire.AuditActor(kind="worker"), sealed=False)  # fmt: skip


def _passes(entry: wire.AuditEntry, query: dict[str, str]) -> bool:
    if "before" in query and entry.seq >= int(query["before"]):
        return False
    if "after" in query and entry.seq <= int(query["after"]):
        return False
    if query.get("action") and not entry.action.startswith(query["action"]):
        return False
    if query.get("actor") and entry.actor.name != query["actor"]:
        return False
    return query.get("q", "").lower() in repr(entry).lower()
