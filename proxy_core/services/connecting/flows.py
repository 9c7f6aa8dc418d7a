"""The logins that are under way in this worker: begun, followed, completed, given up."""

import asyncio
import logging
from collections.abc import Iterator
from functools import partial
from urllib.parse import parse_qs, urlsplit

from proxy_core.base.errors import ERRORS, VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.oauth import TokenError, TokenSet, parse_callback
from proxy_core.services.connecting.asking import ask_person, tokens_of
from proxy_core.services.connecting.flow import Flow, FlowKind, FlowState
from proxy_core.services.connecting.providers import Providers
from proxy_core.services.connecting.targets import (
    check_still_allowed,
)
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal

MAX_UNDER_WAY = 32
MAX_OF_ONE = 8
"""Logins under way in all, and of one principal."""
KEPT = 64
"""Flows that are remembered, so that whoever began them learns how they ended."""
_RETRY_SECONDS = 30
_log = logging.getLogger(__name__)


class Flows:
    """Belongs to the worker's loop. `attach` says how providers are reached."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._flows: dict[str, Flow] = {}
        self._providers: Providers | None = None

    def attach(self, providers: Providers) -> None:
        """Say how providers are reached."""
        self._providers = providers

    @property
    def providers(self) -> Providers:
        """Raises VaultError: oauth_login_failed, before there are any."""
        if self._providers is None:
            raise VaultError("oauth_login_failed", "This worker reaches no provider.")
        return self._providers

    # --- begun ---------------------------------------------------------------------------------

    async def begin(self, flow: Flow) -> wire.OAuthFlow:
        """Ask the person. What needs no person has ended on return.

        Raises VaultError: bad_request, conflict, overloaded, oauth_login_failed.
        """
        providers = self.providers
        self._admit(flow)
        try:
            vacate = partial(self._vacate, by=flow.by)
            await ask_person(flow, providers, self._context.clock, vacate)
            if not flow.under_way:  # sealed, say, while a provider was asked
                raise VaultError(flow.error if flow.error in ERRORS else "conflict", flow.message)
        except BaseException as error:
            del self._flows[flow.id]
            await flow.resources.aclose()
            if isinstance(error, TokenError):
                raise not_begun(error) from None
            raise
        self._announce(EventType.CONNECT_STARTED, flow)
        flow.task = asyncio.create_task(self._carry(flow, providers))
        # Let it begin: a task that is cancelled before would never close what the flow holds.
        await asyncio.sleep(0)
        if flow.kind is FlowKind.DIRECT:
            await flow.ended.wait()
            if flow.state is not FlowState.CONNECTED:
                raise VaultError("oauth_login_failed", f"{flow.error}: {flow.message}")
        return flow.shown()

    def _admit(self, flow: Flow) -> None:
        """Take a flow in. Raises VaultError: overloaded."""
        under_way = list(self._under_way())
        own = sum(other.by.label == flow.by.label for other in under_way)
        if len(under_way) >= MAX_UNDER_WAY or own >= MAX_OF_ONE:
            raise VaultError(
                "overloaded", "Too many logins are under way.", retry_after=_RETRY_SECONDS
            )
        ended = [one.id for one in self._flows.values() if not one.under_way]
        for flow_id in ended[: max(0, len(ended) - KEPT)]:
            del self._flows[flow_id]
        self._flows[flow.id] = flow

    async def _vacate(self, port: int, by: Principal) -> None:
        """Give up the flow of the same principal that listens at a port: the newer one counts.

        Raises VaultError: conflict, when it is somebody else's or is being completed.
        """
        for flow in self._under_way():
            if flow.port != port:
                continue
            if flow.by.label != by.label or not flow.pending:
                raise VaultError(
                    "conflict", f"Another login that needs port {port} is under way: try again."
                )
            message = "A newer login needs the port that this one listened at."
            await self._stop(flow, FlowState.CANCELLED, "superseded", message)

    # --- followed ------------------------------------------------------------------------------

    def get(self, flow_id: str) -> Flow:
        """Raises VaultError: not_found."""
        flow = self._flows.get(flow_id)
        if flow is None:
            raise VaultError("not_found", "No login with this id is under way (any more).")
        self._expire(flow)
        return flow

    def own(self, by: Principal, vault: str) -> dict[str, Flow]:
        """A user's logins for credentials of a vault: the newest of each key, ended or not."""
        found: dict[str, Flow] = {}
        for flow in self._flows.values():
            self._expire(flow)
            if flow.by.id == by.id and flow.target.vault == vault and flow.target.key:
                found[flow.target.key] = flow
        return found

    async def wait(self, flow: Flow, seconds: float) -> wire.OAuthFlow:
        """How it stands: as soon as it has ended, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await flow.ended.wait()
        except TimeoutError:
            self._expire(flow)
        return flow.shown()

    # --- completed -----------------------------------------------------------------------------

    async def complete(self, flow: Flow, pasted: str) -> wire.OAuthFlow:
        """Use what a person pasted. What can't be used leaves the flow as it is.

        Raises VaultError: bad_request; conflict when the flow has ended or is being completed.
        """
        if flow.request is None:
            raise VaultError("bad_request", "There is nothing to paste in this login.")
        try:
            callback = parse_callback(pasted)
            proven = flow.is_for(callback.state) if callback.state else bool(flow.request.verifier)
            if not proven:
                raise _foreign(callback.state)
            taken = flow.arrive(callback)
        except TokenError as refusal:
            if not flow.is_for(_state_in(pasted)):
                raise _foreign(_state_in(pasted)) from None
            taken = flow.refuse(refusal)
        if not taken:
            raise VaultError("conflict", f"This login is {flow.state.value} already.")
        await flow.ended.wait()
        return flow.shown()

    async def callback(self, query: str) -> wire.OAuthFlow:
        """A browser has come to the API's own callback with this query: how the login ended.

        Raises VaultError: not_found for a state that is no flow's, or was used; bad_request.
        """
        state = _state_in(f"?{query}")
        address = self.providers.callback_uri
        found = None
        for flow in self._under_way():
            ours = flow.request is not None and flow.request.redirect_uri == address
            if ours and flow.is_for(state):
                found = flow
        if found is None:
            raise VaultError("not_found", "No login waits for this address (any more).")
        try:
            taken = found.arrive(parse_callback(f"{address}?{query}"))
        except TokenError as refusal:
            taken = found.refuse(refusal)
        if not taken:
            raise VaultError("not_found", "This address was opened before.")
        await found.ended.wait()
        return found.shown()

    # --- given up ------------------------------------------------------------------------------

    async def cancel(self, flow: Flow) -> wire.OAuthFlow:
        """Give a login up. One that is being completed is waited for."""
        await self._stop(flow, FlowState.CANCELLED, "cancelled", "The login was given up.")
        return flow.shown()

    def end_all(self, code: str) -> None:
        """Give up whatever waits for a person."""
        for flow in self._under_way():
            if flow.pending:
                self._give_up(flow, FlowState.CANCELLED, code, str(VaultError(code)))

    async def close(self) -> None:
        """Give up what waits, and let what is being completed come to its end."""
        self.end_all("shutting_down")
        tasks = [flow.task for flow in self._flows.values() if flow.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- inside --------------------------------------------------------------------------------

    async def _carry(self, flow: Flow, providers: Providers) -> None:
        """From the person's answer to stored tokens."""
        try:
            async with flow.resources:
                await self._connect(flow, await tokens_of(flow, providers, self._context.clock))
        except TimeoutError:
            flow.end(FlowState.EXPIRED, "expired", "Nobody signed in within the time.")
        except TokenError as error:
            flow.end(FlowState.FAILED, error.code, error.detail)
        except VaultError as error:
            flow.end(FlowState.FAILED, error.code, str(error))
        except Exception as error:  # a fault of ours: its text could hold a secret
            _log.error("a login failed unexpectedly: %s", type(error).__name__)
            flow.end(FlowState.FAILED, "internal", "The login failed unexpectedly.")
        finally:
            flow.end(FlowState.CANCELLED, "cancelled", "The login was given up.")
            self._announce(EventType.CONNECT_ENDED, flow)

    async def _connect(self, flow: Flow, tokens: TokenSet) -> None:
        flow.state = FlowState.EXCHANGING
        check_still_allowed(self._context, flow.by, flow.target.vault_id)
        flow.stored = await flow.target.store(flow.configuration, tokens, flow.by)
        flow.end(FlowState.CONNECTED)

    async def _stop(self, flow: Flow, state: FlowState, error: str, message: str) -> None:
        if flow.pending:
            self._give_up(flow, state, error, message)
        if flow.task is not None:
            await asyncio.wait({flow.task})

    def _give_up(self, flow: Flow, state: FlowState, error: str, message: str) -> None:
        flow.end(state, error, message)
        if flow.task is not None:
            flow.task.cancel()

    def _expire(self, flow: Flow) -> None:
        if flow.pending and self._context.clock.monotonic() >= flow.ends_at:
            message = "Nobody signed in within the time."
            self._give_up(flow, FlowState.EXPIRED, "expired", message)

    def _under_way(self) -> Iterator[Flow]:
        for flow in list(self._flows.values()):
            self._expire(flow)
            if flow.under_way:
                yield flow

    def _announce(self, type: EventType, flow: Flow) -> None:
        target = flow.target
        facts = {"id": flow.id, "kind": flow.kind.value, "state": flow.state.value}
        self._context.publish(
            type, flow.by, vault=target.vault, name=target.key or target.provider, **facts
        )


def not_begun(error: TokenError) -> VaultError:
    """Why there is nothing for a person to do."""
    return VaultError("oauth_login_failed", f"The login could not be begun: {error}")


def _foreign(state: str) -> VaultError:
    if state:
        return VaultError("bad_request", "That belongs to another login: its state is not ours.")
    return VaultError("bad_request", "Paste the whole address of the last page, with its state.")


def _state_in(text: str) -> str:
    """The state in a callback's address or query; empty without."""
    try:
        return parse_qs(urlsplit(text.strip()).query, max_num_fields=50).get("state", [""])[0]
    except ValueError:
        return ""
