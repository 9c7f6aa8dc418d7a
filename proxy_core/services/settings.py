"""The settings in force: read from memory, stored when changed, effective at once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.forwarded import TrustedProxies
from proxy_core.mitm.config import ProxyConfig
from proxy_core.services.context import Context, Swap
from proxy_core.services.holds import HoldLimits
from proxy_core.services.limits import Limit
from proxy_core.services.principal import Principal
from proxy_core.services.setting_table import DEFINITIONS, checked
from proxy_core.services.users.lifetime import SessionRules
from proxy_core.store import installation
from proxy_core.store.request_log.sink import Retention

_MINUTE, _DAY = 60.0, 86_400


class Settings:
    """Listeners are called in the loop after each change, and see the new values."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._changed: dict[str, Any] = {}
        self._listeners: list[Callable[[], None]] = []
        self.proxies = TrustedProxies()
        """The reverse proxies that say where a request comes from."""

    async def load(self) -> None:
        """Read what differs from the defaults; what this version does not know is left out."""
        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read what differs from the defaults; what is answered puts it in force."""
        stored = installation.all_settings(session)
        known = {name: value for name, value in stored.items() if name in DEFINITIONS}

        def swap() -> None:
            self._changed = known
            self._apply()

        return swap

    def value(self, name: str) -> Any:
        """The value in force. Raises KeyError for an unknown name."""
        return self._changed.get(name, DEFINITIONS[name].default)

    def list(self) -> wire.SettingList:
        """All settings."""
        return wire.SettingList(
            settings=[
                wire.Setting(
                    name=name,
                    value=self.value(name),
                    default=definition.default,
                    description=definition.description,
                )
                for name, definition in DEFINITIONS.items()
            ]
        )

    async def change(self, changes: Mapping[str, Any], by: Principal) -> wire.SettingList:
        """All or none; null restores the default. Raises VaultError: bad_request."""
        accepted = checked(changes)
        now = self._context.clock.time()

        def work(session: Session) -> None:
            installation.save_settings(session, accepted, now)

        def then(_: None) -> None:
            merged = {**self._changed, **accepted}
            self._changed = {name: value for name, value in merged.items() if value is not None}
            self._apply()
            values = {name: self.value(name) for name in accepted}
            self._context.publish(EventType.SETTINGS_CHANGED, by, settings=values)

        await self._context.change(work, then)
        return self.list()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    def proxy_config(self, base: ProxyConfig) -> ProxyConfig:
        """`base` with the limits in force."""
        limits = {name: self.value(name) for name in DEFINITIONS if DEFINITIONS[name].proxy}
        return replace(base, **limits)

    def hold_limits(self) -> HoldLimits:
        """How many requests may wait for an operator, and how long."""
        return HoldLimits(
            float(self.value("hold_seconds")),
            self.value("max_holds"),
            self.value("max_holds_per_agent"),
        )

    def session_rules(self) -> SessionRules:
        """How long users stay signed in, and how long a proof of the password counts."""
        return SessionRules(
            self.value("user_session_minutes") * _MINUTE,
            self.value("user_session_sliding"),
            self.value("user_proof_minutes") * _MINUTE,
        )

    def request_limit(self, whose: str) -> Limit:
        """The limit of each `agent` or `vault`."""
        return Limit(
            self.value(f"{whose}_requests_per_second"),
            self.value(f"{whose}_burst"),
            self.value(f"{whose}_concurrency"),
        )

    def _apply(self) -> None:
        self._context.log.retention = Retention(
            max_age_seconds=self.value("log_retention_days") * _DAY,
            max_rows=self.value("log_retention_rows"),
        )
        self.proxies = TrustedProxies(self.value("trusted_proxies"))
        for listener in self._listeners:
            listener()
