"""Logins at providers: begun, followed, completed by a browser or by what a person pastes."""

from litestar import Request, Response, delete, get
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from proxy_core.domain.oauth import AuthMethod, Preset, presets
from proxy_core.services.connecting.flow import Flow
from proxy_core.services.connecting.providers import CALLBACK_PATH
from proxy_core.services.principal import Permission
from proxy_core.worker.access import Caller
from proxy_core.worker.guard import change_fails, fails, needs
from proxy_core.worker.pages import page, render
from proxy_core.worker.routes.actions import action
from proxy_core.worker.uses import UseApp, UseCaller

LONGEST_WAIT = 60
_LONGEST_MESSAGE = 500
_CONNECT = needs(Permission.CHANGE_CREDENTIALS, "body")
_CONNECT_ACCOUNT = needs(Permission.CHANGE_ACCOUNTS, "body")


@action("/v1/credentials/oauth/connect", _CONNECT, 401, 404, 409, 502)
async def connect_oauth(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.ConnectOAuth]
) -> wire.OAuthFlow:
    """Begin to connect a credential: a URL to open, a code to type, or, where no person is asked,
    how it went.
    """
    by = caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.connecting.credential(data, by)


@action("/v1/oauth/accounts/connect", _CONNECT_ACCOUNT, 401, 404, 409, 502)
async def connect_account(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.ConnectAccount]
) -> wire.OAuthFlow:
    """Begin to connect an account, new or known."""
    by = caller.authorize(Permission.CHANGE_ACCOUNTS, data.vault)
    return await app.connecting.account(data, by)


@get("/v1/oauth/flows/{flow_id:str}", opt=_CONNECT, responses=fails(401, 404, 503))
async def get_flow(
    app: UseApp, caller: UseCaller, flow_id: FromPath[str], wait: FromQuery[int] = 0
) -> wire.OAuthFlow:
    """How a login stands; with `wait` (seconds, at most 60) as soon as it has ended."""
    if not 0 <= wait <= LONGEST_WAIT:
        raise VaultError("bad_request", f"wait must be 0 to {LONGEST_WAIT} seconds.")
    return await app.flows.wait(_flow(app.flows.get(flow_id), caller), wait)


@action("/v1/oauth/flows/{flow_id:str}/complete", _CONNECT, 401, 404, 409)
async def complete_flow(
    app: UseApp, caller: UseCaller, flow_id: FromPath[str], data: JSONBody[wire.CompleteOAuth]
) -> wire.OAuthFlow:
    """Complete a login with the code, `code#state`, or the callback's whole address."""
    return await app.flows.complete(_flow(app.flows.get(flow_id), caller), data.pasted)


@delete(
    "/v1/oauth/flows/{flow_id:str}",
    status_code=200,
    opt=_CONNECT,
    responses=change_fails(401, 404),
)
async def cancel_flow(app: UseApp, caller: UseCaller, flow_id: FromPath[str]) -> wire.OAuthFlow:
    """Give a login up. One that is being completed, or has ended, stays as it is."""
    return await app.flows.cancel(_flow(app.flows.get(flow_id), caller))


@get(
    CALLBACK_PATH,
    media_type="text/html",
    responses={**fails(503), 404: ResponseSpec(str, description="A page.", media_type="text/html")},
)
async def callback(app: UseApp, request: Request[object, object, State]) -> Response[str]:
    """Where a provider sends the person's browser in the end. Its state says whose login it is."""
    query = request.scope["query_string"].decode("latin-1")
    try:
        ended = await app.flows.callback(query)
    except VaultError as error:
        return page(error.status, "Not this login", str(error))
    if app.flows.get(ended.id).return_to:
        return render("returning.html", title="Going back to the proposal", flow=ended.id)
    if ended.state == "connected":
        return page(200, "Signed in", "You can close this window and go back to the terminal.")
    return page(200, "Not signed in", display_safe(ended.message, _LONGEST_MESSAGE))


@get("/v1/oauth/providers", responses=fails())
async def list_providers() -> wire.OAuthProviderList:
    """The providers that are known, and what an operator must bring along for each."""
    return wire.OAuthProviderList(providers=[_provider(one) for one in presets()])


@action("/v1/oauth/discover", _CONNECT, 401, 404, 502)
async def discover_issuer(
    app: UseApp, caller: UseCaller, data: JSONBody[wire.DiscoverIssuer]
) -> wire.IssuerFound:
    """Ask an issuer for its endpoints; nothing is stored."""
    caller.authorize(Permission.CHANGE_CREDENTIALS, data.vault)
    return await app.connecting.discover(data.issuer)


def _flow(flow: Flow, caller: Caller) -> Flow:
    """The flow, for those who may connect what it connects."""
    caller.authorize(flow.target.permission, flow.target.vault)
    return flow


def _provider(one: Preset) -> wire.OAuthProvider:
    client = one.client
    port = f":{client.callback_port}" if client.callback_port else ""
    return wire.OAuthProvider(
        id=one.id,
        name=one.name,
        obtain=one.obtain,
        redirect_uri=f"http://{client.callback_host}{port}{client.callback_path}",
        scopes=list(client.scopes),
        needs_client=not client.client_id,
        needs_secret=client.auth_method is not AuthMethod.NONE,
        has_device_codes=bool(client.device_authorization_url),
    )


HANDLERS = (
    connect_oauth,
    connect_account,
    get_flow,
    complete_flow,
    cancel_flow,
    callback,
    list_providers,
    discover_issuer,
)
