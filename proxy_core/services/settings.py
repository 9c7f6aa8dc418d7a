"""The worker's settings: each with type, bounds, default and meaning; effective at once."""

from collections.abc import Callable
from typing import Any

from proxy_core.domain import wire
from proxy_core.services.principal import Principal

SettingListener = Callable[[], None]


class Settings:
    """Values are read from memory."""

    def value(self, name: str) -> Any:
        """The value in force. Raises KeyError for an unknown name."""
        raise NotImplementedError

    def list(self) -> wire.SettingList:
        """All settings."""
        raise NotImplementedError

    async def change(self, changes: dict[str, Any], by: Principal) -> wire.SettingList:
        """All or none; null restores the default. Raises VaultError: bad_request."""
        raise NotImplementedError

    def on_change(self, listener: SettingListener) -> None:
        """Call `listener` in the loop after every change."""
        raise NotImplementedError
