"""Acting as somebody, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from proxy_core.domain.audit import Origin
from proxy_core.services.audit.acting import act_as, acting


@contextmanager
def acting_as(origin: Origin) -> Iterator[None]:
    """As `act_as`; afterwards whoever acted before does so again."""
    before = acting()
    act_as(origin)
    try:
        yield
    finally:
        act_as(before)
