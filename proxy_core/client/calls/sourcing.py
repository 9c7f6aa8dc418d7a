"""External stores behind vaults."""

from proxy_core.client.calls.call import Call, in_vault
from proxy_core.domain import wire


def set_source(vault: str, source: wire.SetSource) -> Call[wire.SourceInfo]:
    """Let an empty vault be backed by a store, and read it once."""
    return Call("PUT", in_vault(vault, "/source"), wire.SourceInfo, body=source)


def source(vault: str) -> Call[wire.SourceInfo]:
    """Where a vault's credentials come from, and how reading them goes."""
    return Call("GET", in_vault(vault, "/source"), wire.SourceInfo)


def poll_source(vault: str) -> Call[wire.SourceInfo]:
    """Read the store now."""
    return Call("POST", in_vault(vault, "/source/poll"), wire.SourceInfo)


def remove_source(vault: str) -> Call[wire.Deleted]:
    """Read the store no more; the credentials stay as the vault's own."""
    return Call("DELETE", in_vault(vault, "/source"), wire.Deleted)
