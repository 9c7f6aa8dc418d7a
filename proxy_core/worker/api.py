"""The API as one ASGI application."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from proxy_core.base.errors import VaultError
from proxy_core.services.application import Application
from proxy_core.worker.access import Caller, Gatekeeper
from proxy_core.worker.description import Description
from proxy_core.worker.facts import WorkerFacts
from proxy_core.worker.front import MAX_BODY_BYTES, Front
from proxy_core.worker.guard import identify
from proxy_core.worker.problems import (
    handle_framework_error,
    handle_unexpected,
    handle_vault_error,
)
from proxy_core.worker.routes import HANDLERS

# No cache keeps what may be a token or a secret, and nothing is taken for what it does not say.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def create_api(
    facts: WorkerFacts,
    gatekeeper: Gatekeeper,
    own_names: Iterable[str],
    any_address: bool,
    public_url: str = "",
) -> Front:
    """Everything that a connection's protocol needs. The rest are the front's: see there."""
    dependencies = _dependencies()
    router = Litestar(
        route_handlers=HANDLERS,
        dependencies=dependencies,
        guards=[identify],
        middleware=[_decode_names],
        exception_handlers={
            VaultError: handle_vault_error,
            HTTPException: handle_framework_error,
            Exception: handle_unexpected,
        },
        state=State(
            {
                "app": facts.app,
                "facts": facts,
                "gatekeeper": gatekeeper,
                "description": Description(dependencies),
            }
        ),
        response_headers=_HEADERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=MAX_BODY_BYTES,
    )
    settings = facts.app.settings
    return Front(router, own_names, any_address, public_url, lambda: settings.proxies)


def _dependencies() -> dict[str, Provide]:
    return {
        "app": Provide(_provide_app, sync_to_thread=False),
        "facts": Provide(_provide_facts, sync_to_thread=False),
        "caller": Provide(_provide_caller, sync_to_thread=False),
    }


def _provide_app(state: State) -> Application:
    return state.app  # type: ignore[no-any-return]  # as create_api put it there


def _provide_facts(state: State) -> WorkerFacts:
    return state.facts  # type: ignore[no-any-return]  # as create_api put it there


def _provide_caller(request: Request[Any, Any, State]) -> Caller:
    return request.state.caller  # type: ignore[no-any-return]  # as the guard put it there


def _decode_names(app: ASGIApp) -> ASGIApp:
    """Undo percent-encoding in path parameters, after the raw path has been routed."""

    async def decode(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            names = {
                key: unquote(value, errors="strict") if isinstance(value, str) else value
                for key, value in scope["path_params"].items()
            }
        except UnicodeDecodeError:
            raise VaultError("bad_request", "A name in the path is not UTF-8.") from None
        scope["path_params"] = names
        await app(scope, receive, send)

    return decode
