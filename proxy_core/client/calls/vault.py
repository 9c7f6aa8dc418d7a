"""Vaults."""

from proxy_core.client.calls.call import Call, in_vault
from proxy_core.domain import wire


def vaults() -> Call[wire.VaultList]:
    """Every vault."""
    return Call("GET", "/v1/vaults", wire.VaultList)


def create_vault(name: str) -> Call[wire.Vault]:
    """Create a vault."""
    return Call("POST", "/v1/vaults", wire.Vault, body=wire.VaultName(name=name))


def rename_vault(name: str, new_name: str) -> Call[wire.Vault]:
    """Rename a vault."""
    body = wire.VaultName(name=new_name)
    return Call("POST", in_vault(name, "/rename"), wire.Vault, body=body)


def delete_vault(name: str) -> Call[wire.VaultDeleted]:
    """Delete a vault with all it holds; never `default`."""
    return Call("DELETE", in_vault(name), wire.VaultDeleted)


def vault_settings(vault: str) -> Call[wire.VaultSettings]:
    """A vault's settings."""
    return Call("GET", in_vault(vault, "/settings"), wire.VaultSettings)


def change_vault_settings(vault: str, unmatched_host_policy: str) -> Call[wire.VaultSettings]:
    """Say what happens to hosts that no service covers."""
    body = wire.VaultSettings(unmatched_host_policy=unmatched_host_policy)
    return Call("PATCH", in_vault(vault, "/settings"), wire.VaultSettings, body=body)
