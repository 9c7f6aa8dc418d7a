"""What is known of a client at an OAuth provider, apart from its secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_CALLBACK_HOST = "127.0.0.1"
DEFAULT_CALLBACK_PATH = "/callback"


class AuthMethod(StrEnum):
    """How the client proves itself at the token endpoint (RFC 6749 2.3.1)."""

    NONE = "none"
    POST = "client_secret_post"
    BASIC = "client_secret_basic"


class TokenFormat(StrEnum):
    """How a request to the token endpoint is written; RFC 6749 says form."""

    FORM = "form"
    JSON = "json"


class GrantKind(StrEnum):
    """How the first tokens are obtained."""

    AUTHORIZATION_CODE = "authorization_code"
    CLIENT_CREDENTIALS = "client_credentials"
    JWT_BEARER = "jwt_bearer"
    DEVICE_CODE = "device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """A client's configuration; its secret or private key is kept elsewhere, sealed.

    `provider` is a preset's id or empty. URLs are empty where the provider has no such endpoint.
    `manual_redirect_uri` is the provider's own page that shows a code to copy.
    A loopback redirect is `http://{callback_host}:{callback_port}{callback_path}`; without a port
    any free one is taken.
    `send_state` repeats the state at the token endpoint, as Anthropic wants it.
    `assertion` holds what a JWT bearer's assertion says beyond the default: `issuer` (else the
    client id), `subject`, `audience` (else the token URL), `key_id`.
    """

    token_url: str
    provider: str = ""
    authorization_url: str = ""
    device_authorization_url: str = ""
    revocation_url: str = ""
    issuer: str = ""
    client_id: str = ""
    auth_method: AuthMethod = AuthMethod.NONE
    token_format: TokenFormat = TokenFormat.FORM
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    pkce: bool = True
    grant: GrantKind = GrantKind.AUTHORIZATION_CODE
    authorization_parameters: Mapping[str, str] = field(default_factory=dict)
    token_parameters: Mapping[str, str] = field(default_factory=dict)
    assertion: Mapping[str, str] = field(default_factory=dict)
    manual_redirect_uri: str = ""
    callback_host: str = DEFAULT_CALLBACK_HOST
    callback_port: int | None = None
    callback_path: str = DEFAULT_CALLBACK_PATH
    send_state: bool = False

    @property
    def scope(self) -> str:
        """The scopes as the provider reads them, joined by its separator."""
        return self.scope_separator.join(self.scopes)
