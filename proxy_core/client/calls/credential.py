"""Credentials."""

from collections.abc import Mapping, Sequence

from proxy_core.client.calls.call import Call, given, segment
from proxy_core.domain import wire


def credentials(
    vault: str = "default", *, reveal: bool = False, key: str = ""
) -> Call[wire.CredentialList]:
    """Names and metadata; with `reveal` the values too (of `key` alone, when given)."""
    query = given(vault=vault, reveal="true" if reveal else "", key=key)
    return Call("GET", "/v1/credentials", wire.CredentialList, query)


def set_credentials(values: Mapping[str, str], vault: str = "default") -> Call[wire.CredentialsSet]:
    """Store values, all or none; older values are kept as versions."""
    body = wire.SetCredentials(credentials=dict(values), vault=vault)
    return Call("POST", "/v1/credentials", wire.CredentialsSet, body=body)


def delete_credentials(
    keys: Sequence[str], vault: str = "default"
) -> Call[wire.CredentialsDeleted]:
    """Delete credentials with their versions."""
    body = wire.DeleteCredentials(keys=list(keys), vault=vault)
    return Call("DELETE", "/v1/credentials", wire.CredentialsDeleted, body=body)


def credential_versions(key: str, vault: str = "default") -> Call[wire.CredentialHistory]:
    """The versions that are kept, newest first."""
    path = f"/v1/credentials/{segment(key)}/versions"
    return Call("GET", path, wire.CredentialHistory, given(vault=vault))


def restore_credential(key: str, version: int, vault: str = "default") -> Call[wire.CredentialsSet]:
    """Make an old value the newest version."""
    body = wire.RestoreCredential(version=version, vault=vault)
    path = f"/v1/credentials/{segment(key)}/restore"
    return Call("POST", path, wire.CredentialsSet, body=body)
