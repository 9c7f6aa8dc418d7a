"""How a person is asked, and how the answer becomes tokens.

browser, headless   a URL to open; a code comes back to a loopback address, or is pasted
device              a code to type elsewhere; the provider is asked until it has been typed
direct              nobody: the client's own secret is enough
"""

import asyncio
from collections.abc import Awaitable, Callable

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.oauth import Callback, GrantKind, OAuthClient, TokenError, TokenSet
from proxy_core.domain.oauth.client import DEFAULT_CALLBACK_PATH
from proxy_core.oauth.authorization import authorization_request
from proxy_core.oauth.device import await_device
from proxy_core.oauth.loopback import LoopbackReceiver
from proxy_core.services.connecting.flow import Flow, FlowKind
from proxy_core.services.connecting.providers import Providers
from proxy_core.services.logins.source import renew

Vacate = Callable[[int], Awaitable[object]]
"""Makes a port free that another flow holds. Raises VaultError conflict."""
LONGEST_DEVICE_SECONDS = 1800.0
_LISTENER_SECONDS = 3600.0
"""A bound only: the flow's own end comes first."""


def kind_of(request: wire.OAuthClientFields, client: OAuthClient) -> FlowKind:
    """Who is going to be asked."""
    if client.grant is GrantKind.DEVICE_CODE:
        return FlowKind.DEVICE
    if client.grant in (GrantKind.CLIENT_CREDENTIALS, GrantKind.JWT_BEARER):
        return FlowKind.DIRECT
    return FlowKind.HEADLESS if request.headless else FlowKind.BROWSER


async def ask_person(flow: Flow, providers: Providers, clock: Clock, vacate: Vacate) -> None:
    """Make what the person is shown.

    Raises VaultError: bad_request, conflict (the callback's port is taken); TokenError.
    """
    client, secret = flow.configuration.client, flow.configuration.secret
    if flow.kind is FlowKind.DEVICE:
        flow.device = await providers.endpoint.start_device(client, secret)
        life = min(flow.device.expires_at - clock.time(), LONGEST_DEVICE_SECONDS)
        flow.expires_at, flow.ends_at = clock.time() + life, clock.monotonic() + life
    elif flow.kind is not FlowKind.DIRECT:
        redirect_uri = await _redirect_uri(flow, client, providers, vacate)
        flow.request = authorization_request(client, redirect_uri)


async def tokens_of(flow: Flow, providers: Providers, clock: Clock) -> TokenSet:
    """Wait for the person, and get the tokens.

    Raises TokenError, and TimeoutError when the person takes too long.
    """
    client, secret = flow.configuration.client, flow.configuration.secret
    endpoint, left = providers.endpoint, max(0.0, flow.ends_at - clock.monotonic())
    if flow.device is not None:
        async with asyncio.timeout(left):
            return await await_device(endpoint, client, secret, flow.device, clock=clock.time)
    if flow.request is None:
        return await renew(endpoint, client, secret, None)
    async with asyncio.timeout(left):
        callback = await _callback(flow, flow.request.state)
    if client.issuer and callback.issuer not in ("", client.issuer):  # RFC 9207 2.4
        detail = "The code was issued by another issuer than the one that was asked."
        raise TokenError(final=True, code="issuer_mismatch", detail=detail)
    return await endpoint.exchange_code(
        client,
        secret,
        code=callback.code,
        redirect_uri=flow.request.redirect_uri,
        verifier=flow.request.verifier,
        state=flow.request.state,
    )


async def _redirect_uri(
    flow: Flow, client: OAuthClient, providers: Providers, vacate: Vacate
) -> str:
    """Where the browser is sent in the end, and who listens there.

    A client whose callback is prescribed gets a listener of its own, for one hit; any other one
    the API's callback, which an operator can register at the provider once for all.
    """
    if flow.kind is FlowKind.HEADLESS and client.manual_redirect_uri:
        return client.manual_redirect_uri
    prescribed = client.provider or client.callback_port
    if providers.callback_uri and not (prescribed or client.callback_path != DEFAULT_CALLBACK_PATH):
        return providers.callback_uri
    if client.callback_port:
        await vacate(client.callback_port)
    receiver = LoopbackReceiver(client, _LISTENER_SECONDS)
    try:
        await flow.resources.enter_async_context(receiver)
    except VaultError as error:
        way_out = "free it, or log in headless"
        raise VaultError("conflict", f"{error.detail}: {way_out}") from None
    flow.receiver, flow.port = receiver, client.callback_port or 0
    return receiver.redirect_uri


async def _callback(flow: Flow, state: str) -> Callback:
    """The callback that counts, however it comes."""
    if flow.receiver is None:
        return await flow.callback
    listening = asyncio.create_task(_listen(flow, flow.receiver, state))
    try:
        return await flow.callback
    finally:
        listening.cancel()


async def _listen(flow: Flow, receiver: LoopbackReceiver, state: str) -> None:
    try:
        callback = await receiver.wait(state)
    except TokenError as refusal:
        flow.refuse(refusal)
    else:
        flow.arrive(callback)
