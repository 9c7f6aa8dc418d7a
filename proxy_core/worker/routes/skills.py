"""What an agent reads to learn how it works with the vault."""

from functools import cache
from importlib.resources import files

from litestar import Response, get

from proxy_core.worker.guard import fails


@get("/v1/skills/cli", responses=fails(), media_type="text/markdown")
async def cli_skill() -> Response[str]:
    """How an agent uses the vault, as a skill document: commands, calls, errors."""
    return Response(_document(), media_type="text/markdown")


@cache
def _document() -> str:
    return files("proxy_core.worker").joinpath("skill.md").read_text(encoding="utf-8")


HANDLERS = (cli_skill,)
