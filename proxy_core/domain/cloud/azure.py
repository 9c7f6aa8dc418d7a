"""Azure's AI services: a resource's key, or a token of Entra ID for an application.

Which cloud a host belongs to says its name; a national one has an Entra ID of its own.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/azure/ai-services/authentication
"""

from proxy_core.domain.oauth.client import AuthMethod, GrantKind, OAuthClient
from proxy_core.domain.service import Auth

KEY_HEADER = b"api-key"
CLIENTS_OWN = frozenset((b"authorization", b"api-key", b"x-api-key"))
"""Fields in which clients send a key or token: a dummy's must not go on beside the real one."""

# By the host's end: Entra ID's name, and the scope of AI services.
_NATIONAL = {
    ".azure.us": ("login.microsoftonline.us", "https://cognitiveservices.azure.us/.default"),
    ".azure.cn": (
        "login.partner.microsoftonline.cn",
        "https://cognitiveservices.azure.cn/.default",
    ),
}
_PUBLIC = ("login.microsoftonline.com", "https://cognitiveservices.azure.com/.default")


def entra_client(auth: Auth, host: str) -> OAuthClient:
    """The client that asks for tokens in the name of an application."""
    ours = next((found for end, found in _NATIONAL.items() if host.endswith(end)), _PUBLIC)
    authority, scope = ours
    return OAuthClient(
        token_url=f"https://{authority}/{auth.tenant}/oauth2/v2.0/token",
        client_id=auth.client_id,
        auth_method=AuthMethod.POST,
        scopes=tuple((auth.scope or scope).split()),
        grant=GrantKind.CLIENT_CREDENTIALS,
    )
