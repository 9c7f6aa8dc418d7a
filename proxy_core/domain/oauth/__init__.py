"""OAuth 2.0 as a client sees it: pure values and rules; `proxy_core.oauth` does the talking."""

from proxy_core.domain.oauth.callbacks import Callback, parse_callback
from proxy_core.domain.oauth.client import AuthMethod, GrantKind, OAuthClient, TokenFormat
from proxy_core.domain.oauth.client_document import client_document, parse_client
from proxy_core.domain.oauth.device import DeviceStart
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.pasted import parse_pasted, pasted_tokens
from proxy_core.domain.oauth.presets import Preset, preset, preset_at, presets
from proxy_core.domain.oauth.timing import refresh_due_at, retry_wait
from proxy_core.domain.oauth.tokens import Subject, TokenSet

__all__ = [
    "AuthMethod",
    "Callback",
    "DeviceStart",
    "GrantKind",
    "OAuthClient",
    "Preset",
    "Subject",
    "TokenError",
    "TokenFormat",
    "TokenSet",
    "client_document",
    "parse_callback",
    "parse_client",
    "parse_pasted",
    "pasted_tokens",
    "preset",
    "preset_at",
    "presets",
    "refresh_due_at",
    "retry_wait",
]
