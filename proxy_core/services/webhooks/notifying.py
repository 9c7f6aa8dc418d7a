"""From the worker's events to the outboxes of those webhooks that want them.

- It follows the bus like a console does: what publishes never waits for it.
- What other workers announced (`ORIGIN`) they tell themselves: nothing is told twice.
- A refresh that fails again and again is told once while its token serves, and once when it no
  longer does.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from typing import Any, Final, cast

import msgspec

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from proxy_core.domain.notices import KINDS, TEST, Notice, is_wanted, notice_of
from proxy_core.services.context import Context
from proxy_core.services.events import Follow
from proxy_core.services.following.follower import ORIGIN
from proxy_core.services.webhooks.outbox import Carrier, Letter, Outbox, Sleep
from proxy_core.services.webhooks.posting import Envelope, Outcome, Post, deliver, envelope
from proxy_core.services.webhooks.webhook import Webhook
from proxy_core.services.webhooks.webhooks import Webhooks

_SEALED: Final = EventType.WORKER_SEALED.value
_RENEWED: Final = EventType.REFRESH_SUCCEEDED.value
_FAILED: Final = EventType.REFRESH_FAILED.value
_FOLLOWED: Final = frozenset((*KINDS, _RENEWED)) - {_SEALED}
"""What tells of the sealing is written before it: see `last_words`."""


class Notifying:
    """`run` follows the events until cancelled. Belongs to the worker's loop."""

    def __init__(self, context: Context, webhooks: Webhooks) -> None:
        self._context = context
        self._webhooks = webhooks
        self._outboxes: dict[str, Outbox] = {}
        self._open = asyncio.Event()
        self._after = context.bus.last_seq
        self._failed: set[tuple[str, bool]] = set()
        """Logins whose failure was told, and whether their token served then."""
        self._post: Post | None = None
        self._approvals = ""
        self._sleep: Sleep = asyncio.sleep
        self.lost = 0
        """Events that were overrun before they could be told."""
        webhooks.queued = self._queued

    def attach(self, post: Post, approvals: str = "", sleep: Sleep = asyncio.sleep) -> None:
        """Give it what sends, and the address below which proposals have their pages."""
        self._post, self._approvals, self._sleep = post, approvals, sleep

    def opened(self) -> None:
        """The vault was opened: addresses can be read."""
        self._open.set()

    def last_words(self, by: str) -> None:
        """The vault is about to be sealed: tell of it while addresses can be read."""
        self._open.clear()
        event = Event(seq=0, type=_SEALED, at=self._context.clock.time(), data={"by": by})
        for hook, notice in self._told_of(event):
            try:
                self._outbox(hook.id).put(Letter(notice, self._written(hook, notice)))
            except VaultError:  # nobody can read this one's address
                continue

    async def run(self) -> None:
        """Follow the events."""
        wanted = Follow(self._after, _FOLLOWED)
        async with aclosing(cast(Any, self._context.bus.follow(wanted))) as batches:
            async for batch in batches:
                self.lost += batch.lost
                for event in batch.events:
                    if self._is_ours(event):
                        for hook, notice in self._told_of(event):
                            self._outbox(hook.id).put(Letter(notice))
                self._after = batch.last_seq
                await self._forget_removed()

    async def test(self, webhook_id: str) -> wire.WebhookTested:
        """Try to deliver a notice, once and at once, also to one that is switched off.

        Raises VaultError: not_found, sealed, credential_unreadable.
        """
        hook = self._webhooks.get(webhook_id)
        now = self._context.clock.time()
        summary = "This is a test: notices of Vault TUI arrive here."
        notice = Notice(id=new_id(), type=TEST, at=rfc3339(now), vault="", summary=summary)
        outcome = await self._send(self._written(hook, notice))
        return wire.WebhookTested(
            delivered=not outcome.error, status=outcome.status, error=outcome.error
        )

    def problems(self) -> list[str]:
        """Notices that could not be delivered, in one sentence."""
        dropped = self.lost + sum(outbox.dropped for outbox in self._outboxes.values())
        return [f"{dropped} notices to webhooks were not delivered."] if dropped else []

    async def close(self) -> None:
        """Deliver nothing any more."""
        for outbox in self._outboxes.values():
            await outbox.close()

    # --- within ---------------------------------------------------------------------------------

    def _is_ours(self, event: Event) -> bool:
        """Whether it is to be told, by this worker."""
        ours = True
        if isinstance(event.data, dict):
            ours = ORIGIN not in event.data
            login, serving = str(event.data.get("login")), bool(event.data.get("serving"))
            if event.type == _RENEWED:
                self._failed -= {(login, True), (login, False)}
            elif event.type == _FAILED:
                ours = ours and (login, serving) not in self._failed
                self._failed.add((login, serving))
        return ours and event.type != _RENEWED

    def _told_of(self, event: Event) -> list[tuple[Webhook, Notice]]:
        """Who is told what."""
        data = msgspec.to_builtins(event.data)
        entry = self._context.snapshot.vaults.get(data.get("vault") or "")
        vault_id = entry.id if entry else ""
        hooks = [
            hook
            for hook in self._webhooks.by_id.values()
            if hook.enabled
            and hook.vault_id in (None, vault_id)
            and is_wanted(hook.events, event.type)
        ]
        return [
            (hook, notice_of(new_id(), event.type, event.at, data, self._approvals))
            for hook in hooks
        ]

    def _outbox(self, webhook_id: str) -> Outbox:
        if webhook_id not in self._outboxes:

            async def send(letter: Letter) -> Outcome:
                hook = self._webhooks.by_id.get(webhook_id)
                if hook is None or not hook.enabled:
                    return Outcome(0, "it was removed or switched off", final=True)
                return await self._send(letter.written or self._written(hook, letter.notice))

            def told(outcome: Outcome) -> Awaitable[None]:
                return self._webhooks.told(webhook_id, outcome)

            self._outboxes[webhook_id] = Outbox(Carrier(send, self._open.wait, told, self._sleep))
        return self._outboxes[webhook_id]

    def _written(self, hook: Webhook, notice: Notice) -> Envelope:
        """Raises VaultError: sealed, credential_unreadable."""
        now = self._context.clock.time()
        return envelope(notice, hook.format, self._webhooks.address(hook), now)

    async def _send(self, letter: Envelope) -> Outcome:
        assert self._post is not None, "nothing is delivered before `attach`"
        return await deliver(self._post, letter, self._context.clock.time())

    def _queued(self, webhook_id: str) -> tuple[int, int]:
        outbox = self._outboxes.get(webhook_id)
        return (0, 0) if outbox is None else (len(outbox), outbox.dropped)

    async def _forget_removed(self) -> None:
        for webhook_id in self._outboxes.keys() - self._webhooks.by_id.keys():
            await self._outboxes.pop(webhook_id).close()
