"""Who acts. The API's edge says it once for each call; transactions read it.

Tasks that a call starts go on under its name. What the worker does of itself begins where nobody
has said anything, so it acts as `worker`.
"""

from contextvars import ContextVar
from dataclasses import replace
from typing import Final

from proxy_core.domain.audit import WORKER, Origin

_ACTING: Final[ContextVar[Origin]] = ContextVar("acting", default=WORKER)


def acting() -> Origin:
    """Who acts here."""
    return _ACTING.get()


def act_as(origin: Origin) -> None:
    """From here on, in this task and in those that it starts."""
    _ACTING.set(origin)


def act_as_user(kind: str, name: str, id: str = "") -> None:
    """The caller has proved meanwhile who it is: where it comes from stays."""
    _ACTING.set(replace(_ACTING.get(), kind=kind, name=name, id=id))
