"""The API's description for programs: an OpenAPI document, made from the endpoints' types."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme

from proxy_core.domain.wire.base import Request
from proxy_core.worker.facts import product_version
from proxy_core.worker.routes import HANDLERS

_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


class Description:
    """Made once, when first asked for, and in a thread: it takes a while."""

    def __init__(self, dependencies: Mapping[str, Provide]) -> None:
        self._dependencies = dependencies
        self._made: asyncio.Task[bytes] | None = None

    async def __call__(self) -> bytes:
        """The document as JSON."""
        if self._made is None:
            self._made = asyncio.create_task(asyncio.to_thread(describe, self._dependencies))
        return await asyncio.shield(self._made)


def describe(dependencies: Mapping[str, Provide]) -> bytes:
    """The document as JSON; `dependencies` are what endpoints ask for by name."""
    bearer = SecurityScheme(type="http", scheme="bearer", description="A token of any kind")
    config = OpenAPIConfig(
        title="Vault TUI",
        version=product_version(),
        use_handler_docstrings=True,
        path="/openapi",
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}, {}],
    )
    # A router that never serves: with a description of its own, the one that does would add pages.
    router = Litestar(
        route_handlers=HANDLERS,
        dependencies=dependencies,
        openapi_config=config,
        logging_config=None,
    )
    document = router.openapi_schema.to_schema()
    document["paths"] = {
        path: item for path, item in document["paths"].items() if not path.startswith("/openapi")
    }
    _close_requests(document)
    _release_bodies(document)
    return msgspec.json.encode(document)


def _close_requests(document: dict[str, Any]) -> None:
    """Say that a body has no fields but those described: others are refused, not overlooked."""
    schemas = document["components"]["schemas"]
    for name in {kind.__name__ for kind in _kinds_of(Request)} & set(schemas):
        schemas[name]["additionalProperties"] = False


def _release_bodies(document: dict[str, Any]) -> None:
    """Say that a body which may be null may be missing."""
    for item in document["paths"].values():
        for method in _METHODS & set(item):
            body = item[method].get("requestBody")
            content = body["content"]["application/json"] if body else {}
            if {"type": "null"} in content.get("schema", {}).get("oneOf", ()):
                body["required"] = False


def _kinds_of(base: type[Request]) -> Iterator[type[Request]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _kinds_of(kind)
