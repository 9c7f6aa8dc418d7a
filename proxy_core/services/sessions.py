"""Scoped sessions: short-lived tokens with the proxy role in one vault."""

from collections.abc import Callable

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import SESSION_PREFIX, new_id, new_token, token_sha256
from proxy_core.base.processes import Process, runs
from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.services.context import Context
from proxy_core.services.lineage import lineage
from proxy_core.services.loading import session_bearer
from proxy_core.services.principal import Principal
from proxy_core.services.request_counts import RequestCounts
from proxy_core.services.runs import RunProcesses
from proxy_core.store import sessions as store
from proxy_core.store import tables
from proxy_core.store import vaults as vault_store

MIN_TTL_SECONDS, MAX_TTL_SECONDS = 300, 604_800
MAX_LABEL = 100
MAX_LIVE = 5_000
"""Live sessions of one vault: whoever may mint them shall not fill the memory."""


class Sessions:
    """Expired sessions are neither listed nor kept.

    `find_account` answers the id of an account by its vault's id and a name; raises VaultError.
    """

    def __init__(
        self,
        context: Context,
        counts: RequestCounts,
        runs: RunProcesses,
        find_account: Callable[[str, str], str],
    ) -> None:
        self._context = context
        self._counts = counts
        self._runs = runs
        self._find_account = find_account
        self._processes: dict[str, tuple[str, Process]] = {}
        """By session: its vault's id, and what it was made for in this life of the worker."""

    async def create(
        self, request: wire.CreateSession, by: Principal, av_addr: str
    ) -> wire.SessionCreated:
        """`av_addr` is where the API is reached.

        `run_pid` is an operator's word only: it shuts a process tree out of the control socket,
        and the session ends with the process.
        Raises VaultError: vault_not_found, bad_request (ttl, label, run_pid), conflict (too many,
        or several accounts are called so), not_found (no such account).
        """
        vault = self._context.vault(request.vault).name
        token = new_token(SESSION_PREFIX)
        values = self._new_row(request, token, by).model_dump()
        self._check_room(vault)
        process = None
        if request.run_pid is not None:
            if not by.is_operator:
                raise VaultError("bad_request", "run_pid is for operators only")
            process = self._runs.register(request.run_pid)

        def work(session: Session) -> tables.ScopedSession:
            vault_id = vault_store.vault_by_name(session, vault).id
            row = tables.ScopedSession(**{**values, "vault_id": vault_id})
            return store.add_session(session, row)

        def then(row: tables.ScopedSession) -> None:
            self._context.snapshot = self._context.snapshot.with_bearer(session_bearer(row))
            if process is not None:
                self._processes[row.id] = row.vault_id, process
            self._context.publish(
                EventType.SESSION_CREATED, by, vault=vault, name=row.label or row.id, id=row.id
            )

        row = await self._context.change(work, then)
        return wire.SessionCreated(
            id=row.id, token=token, expires_at=rfc3339(row.expires_at), av_addr=av_addr
        )

    async def list(self, vault: str) -> wire.SessionList:
        """Live ones, newest first. Raises VaultError: vault_not_found."""
        vault_id, now = self._context.vault(vault).id, self._context.clock.time()
        rows = await self._context.database.read(
            lambda session: store.list_sessions(session, vault_id, now)
        )
        today = await self._counts.today()
        return wire.SessionList(
            sessions=[self._described(vault, row, today[row.id]) for row in rows]
        )

    async def revoke(self, vault: str, session_id: str, by: Principal | str) -> wire.Deleted:
        """Its connections end at once. Raises VaultError: not_found, vault_not_found."""
        vault_id = self._context.vault(vault).id

        def then(row: tables.ScopedSession) -> None:
            self._context.snapshot = self._context.snapshot.without_bearers((row.token_sha256,))
            self._context.tunnels.close_for_token(row.token_sha256)
            self._context.usage.forget_actor(row.id)
            self._context.publish(
                EventType.SESSION_REVOKED, by, vault=vault, name=row.label or row.id, id=row.id
            )

        row = await self._context.change(
            lambda session: store.delete_session(session, vault_id, session_id), then
        )
        return wire.Deleted(name=row.id)

    async def end_with_processes(self) -> None:
        """Revoke those whose process has ended without a chance to do it itself.

        Processes are those of this machine, so those of other workers' sessions are theirs to
        watch. Raises VaultError: database_unavailable; it can be tried again.
        """
        for session_id, (vault_id, process) in list(self._processes.items()):
            if runs(process):
                continue
            entry = self._context.snapshot.by_id.get(vault_id)
            if entry is not None:
                await self._end(entry.name, session_id)
            self._processes.pop(session_id, None)

    async def _end(self, vault: str, session_id: str) -> None:
        try:
            await self.revoke(vault, session_id, "worker")
        except VaultError as error:
            if error.code != "not_found":  # most have revoked it themselves
                raise

    def _new_row(
        self, request: wire.CreateSession, token: str, by: Principal
    ) -> tables.ScopedSession:
        ttl, now = request.ttl_seconds, self._context.clock.time()
        if not MIN_TTL_SECONDS <= ttl <= MAX_TTL_SECONDS:
            raise VaultError(
                "bad_request", f"ttl_seconds must be {MIN_TTL_SECONDS} to {MAX_TTL_SECONDS}"
            )
        if len(request.label) > MAX_LABEL or display_safe(request.label) != request.label:
            raise VaultError(
                "bad_request", f"label must be at most {MAX_LABEL} printable characters"
            )
        vault_id, account = self._context.vault(request.vault).id, request.account
        return tables.ScopedSession(
            id=new_id(),
            vault_id="",
            token_sha256=token_sha256(token),
            label=request.label,
            created_by=by.label,
            created_at=now,
            expires_at=now + ttl,
            run_pid=request.run_pid,
            account_id=self._find_account(vault_id, account) if account else None,
            minters=lineage(self._context, by),
        )

    def _check_room(self, vault: str) -> None:
        live = self._context.snapshot.sessions_of(self._context.vault(vault).id)
        if len(live) >= MAX_LIVE:
            raise VaultError(
                "conflict", f"The vault has {MAX_LIVE} live sessions: revoke some that are done."
            )

    def _described(self, vault: str, row: tables.ScopedSession, today: int) -> wire.SessionInfo:
        used_at = max(self._context.usage.seen.get(row.id, 0.0), row.last_used_at or 0.0)
        return wire.SessionInfo(
            id=row.id,
            vault=vault,
            label=row.label,
            created_at=rfc3339(row.created_at),
            expires_at=rfc3339(row.expires_at),
            last_used_at=rfc3339(used_at) if used_at else "",
            account_id=row.account_id or "",
            connections=self._context.tunnels.connections_for_token(row.token_sha256),
            requests_today=today,
            created_by=row.created_by,
        )
