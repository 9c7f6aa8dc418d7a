"""Reading the key slots, the settings and the CA, as far as whoever looks may see them."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from proxy_core.base.errors import VaultError
from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire

Send = Callable[[Call[Any]], Awaitable[Any]]
T = TypeVar("T")
_REFUSALS = frozenset(("role_forbidden", "vault_forbidden"))


async def read_settings(send: Send) -> tuple[list[wire.SlotInfo], list[wire.Setting], str]:
    """Key slots, settings, the CA in PEM; empty what one may not see.

    Raises VaultError: whatever is no matter of roles.
    """
    slots = await _allowed(send, calls.slots(), wire.SlotList(slots=[]))
    settings = await _allowed(send, calls.settings(), wire.SettingList(settings=[]))
    return slots.slots, settings.settings, await _allowed(send, calls.ca_pem(), "")


async def _allowed(send: Send, call: Call[T], otherwise: T) -> T:
    try:
        answer: T = await send(call)
    except VaultError as error:
        if error.code not in _REFUSALS:
            raise
        return otherwise
    return answer
