"""What an agent may know of a vault: names only."""

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.names import DEFAULT_VAULT
from proxy_core.services.context import Context
from proxy_core.services.principal import Permission, Principal, PrincipalKind, authorize


class Discoveries:
    """Answers from the snapshot."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def discover(self, by: Principal, vault: str | None) -> wire.Discovery:
        """`vault` None: the principal's only one; `default` for an operator.

        Raises VaultError: vault_required, vault_not_found, vault_forbidden.
        """
        entry = self._context.vault(vault or self.only_vault(by))
        authorize(by, Permission.DISCOVER, entry.name)
        granted = self._context.granted(by.token_sha256, entry)
        services = [
            wire.ServiceName(name=service.name, host=service.pattern)
            for service in entry.compiled.services
            if service.enabled and (granted is None or service.name in granted)
        ]
        keys = entry.keys if granted is None else entry.keys_of(granted)
        return wire.Discovery(vault=entry.name, services=services, available_credentials=keys)

    @staticmethod
    def only_vault(by: Principal) -> str:
        """The vault of a principal that names none. Raises VaultError: as `discover`."""
        if by.is_operator or by.kind is PrincipalKind.PEER:
            return DEFAULT_VAULT
        names = sorted(by.vaults)
        if not names:
            raise VaultError("vault_forbidden", f"{by.name} has no vault.")
        if len(names) > 1:
            raise VaultError("vault_required", extra={"vaults": names})
        return names[0]
