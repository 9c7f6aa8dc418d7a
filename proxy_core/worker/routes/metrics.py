"""Numbers for a monitoring system."""

from litestar import Response, get

from proxy_core.services.principal import Permission
from proxy_core.worker.exposition import MEDIA_TYPE, exposition
from proxy_core.worker.guard import fails, needs
from proxy_core.worker.metrics import families
from proxy_core.worker.uses import UseFacts


@get(
    "/metrics",
    opt=needs(Permission.READ_METRICS),
    responses=fails(401),
    media_type="text/plain",
)
async def metrics(facts: UseFacts) -> Response[str]:
    """The worker in numbers, in Prometheus's text format; served while sealed too."""
    return Response(exposition(families(facts)), media_type=MEDIA_TYPE)


HANDLERS = (metrics,)
