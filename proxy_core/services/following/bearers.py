"""Agents and scoped sessions that other workers have made, changed or ended."""

from collections.abc import Collection

from sqlmodel import Session

from proxy_core.services.context import Context, Swap
from proxy_core.services.following.wanted import Wanted
from proxy_core.services.loading import load_agents, session_bearer
from proxy_core.services.runs import RunProcesses
from proxy_core.services.snapshot import Bearer
from proxy_core.store import sessions
from proxy_core.store.touched import Scope


class Bearers:
    """A token that is gone, or may use less, is refused from then on, and its connections end."""

    def __init__(self, context: Context, runs: RunProcesses) -> None:
        self._context = context
        self._runs = runs

    def read(self, session: Session, wanted: Wanted) -> Swap:
        """Runs in a store's thread."""
        now, every = self._context.clock.time(), wanted.everything
        agent_ids = None if every else wanted.ids(Scope.AGENT)
        session_ids = None if every else wanted.ids(Scope.SESSION)
        found = load_agents(session, agent_ids) if agent_ids != frozenset() else []
        if session_ids != frozenset():
            rows = sessions.live_sessions(session, now, session_ids)
            found += [session_bearer(row) for row in rows]
            runs = [(row.run_pid, row.created_at) for row in rows if row.run_pid is not None]
        else:
            runs = []

        def swap() -> None:
            self._put(None if every else wanted.ids(Scope.AGENT, Scope.SESSION), found)
            for pid, registered_at in runs:
                self._runs.restore(pid, registered_at)

        return swap

    def _put(self, ids: Collection[str] | None, found: Collection[Bearer]) -> None:
        """Let those be the only tokens of agents and sessions with these ids (None: of all)."""
        context = self._context
        kept, here = {one.sha256 for one in found}, {one.actor_id for one in found}
        before = context.snapshot.bearers.values()
        ended = [
            held
            for held in before
            if (ids is None or held.actor_id in ids) and held.sha256 not in kept
        ]
        narrowed = [one for one in found if _loses(context.snapshot.bearers.get(one.sha256), one)]
        snapshot = context.snapshot.without_bearers([held.sha256 for held in ended])
        context.snapshot = snapshot.with_bearers(found)
        for held in (*ended, *narrowed):
            context.tunnels.close_for_token(held.sha256)
        for held in ended:
            if held.actor_id not in here:
                context.usage.forget_actor(held.actor_id)


def _loses(before: Bearer | None, after: Bearer) -> bool:
    return before is not None and before.loses_by(after)
