"""The forms of agents: a new one, and what one may use in a vault."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from textual.widget import Widget

from proxy_core.base.text import display_safe
from proxy_core.domain.names import check_agent_name
from proxy_core.domain.wire import AgentVault
from vault_tui.screens.form import FormDialog
from vault_tui.strings import agents as words


@dataclass(frozen=True, slots=True)
class NewAgent:
    """What the form says; `ttl_seconds` None: it does not expire."""

    name: str = ""
    grant: AgentVault = field(default_factory=lambda: AgentVault(vault_name="default"))
    role: str = "no-access"
    ttl_seconds: int | None = None


class AgentForm(FormDialog[NewAgent]):
    """`start` stands in the lines at first, `note` above them: what the worker said to it."""

    def __init__(self, vaults: Sequence[str], start: NewAgent, note: str = "") -> None:
        super().__init__(words.CREATE_TITLE, words.FORM_KEYS, note)
        self._vaults, self._start = vaults, start

    def fields(self) -> Iterable[Widget]:
        """Name, one grant, lifetime, instance role."""
        start = self._start
        lifetime = str(start.ttl_seconds or "")
        yield self.line("name", words.NAME, words.NAME_HINT, start.name)
        yield self.choice("vault", words.VAULT, _shown(self._vaults), start.grant.vault_name)
        yield self.choice("role", words.VAULT_ROLE, words.VAULT_ROLES, start.grant.vault_role)
        yield self.line(
            "services", words.SERVICES, words.SERVICES_HINT, ", ".join(start.grant.services)
        )
        yield self.choice("lifetime", words.LIFETIME, words.LIFETIMES, lifetime)
        yield self.choice("instance", words.INSTANCE_ROLE, words.INSTANCE_ROLES, start.role)

    def read(self) -> NewAgent:
        """Raises VaultError bad_request: the name."""
        lifetime = self.value("lifetime")
        grant = AgentVault(
            vault_name=self.value("vault"),
            vault_role=self.value("role"),
            services=names_of(self.value("services")),
        )
        return NewAgent(
            name=check_agent_name(self.value("name")),
            grant=grant,
            role=self.value("instance"),
            ttl_seconds=int(lifetime) if lifetime else None,
        )


class GrantForm(FormDialog[AgentVault]):
    """Role and services in one vault."""

    def __init__(self, name: str, start: AgentVault, note: str = "") -> None:
        title = words.GRANT_TITLE.format(name=name, vault=start.vault_name)
        super().__init__(title, words.GRANT_KEYS, note)
        self._start = start

    def fields(self) -> Iterable[Widget]:
        """As they are now."""
        yield self.choice("role", words.VAULT_ROLE, words.VAULT_ROLES, self._start.vault_role)
        yield self.line(
            "services", words.SERVICES, words.SERVICES_HINT, ", ".join(self._start.services)
        )

    def read(self) -> AgentVault:
        """No names: all services."""
        services = names_of(self.value("services"))
        return AgentVault(
            vault_name=self._start.vault_name, vault_role=self.value("role"), services=services
        )


def names_of(text: str) -> list[str]:
    """The names between commas or blanks."""
    return [name for name in text.replace(",", " ").split() if name]


def _shown(vaults: Sequence[str]) -> dict[str, str]:
    return {name: display_safe(name, 64) for name in vaults}
