"""What many endpoints share: a POST that carries something out and creates nothing."""

from typing import Any

from litestar import post

from proxy_core.worker.guard import change_fails


def action(path: str, opt: dict[str, Any], *failures: int) -> post:
    """Such an endpoint. It answers 200; `opt` is its `needs`, `failures` are what it documents."""
    return post(path, status_code=200, opt=opt, responses=change_fails(*failures))
