"""Logins at providers that are under way: how they are started, followed and completed."""

import msgspec

from proxy_core.domain.wire.accounts import AccountAdded
from proxy_core.domain.wire.base import Request, Response


class OAuthClientFields(Request, kw_only=True):
    """How a login is obtained, and as which client.

    `provider` (a preset's id) or `issuer` (discovered) gives the URLs; what stands beside it takes
    precedence. With none of `provider`, `issuer` and `token_url`, a login that exists keeps its
    configuration; only `scopes`, `grant`, `client_secret` and `headless` may then be given.
    `grant`: `authorization_code` (the default), `device_code`, `client_credentials` or
    `jwt_bearer`, which signs with `private_key`, in PEM.
    `scopes` is a list, or a text with blanks between. `headless`: the browser is on another
    machine, so take the provider's own page that shows a code, where it has one.
    `callback_port`: the only port of 127.0.0.1 that the provider takes for the client.
    """

    provider: str = ""
    issuer: str = ""
    authorization_url: str = ""
    token_url: str = ""
    device_authorization_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    private_key: str = ""
    token_auth_method: str = ""
    token_format: str = ""
    scopes: list[str] | str = ""
    scope_separator: str = ""
    disable_pkce: bool = False
    grant: str = ""
    authorization_parameters: dict[str, str] = msgspec.field(default_factory=dict)
    token_parameters: dict[str, str] = msgspec.field(default_factory=dict)
    assertion: dict[str, str] = msgspec.field(default_factory=dict)
    callback_port: int = 0
    headless: bool = False


class ConnectOAuth(OAuthClientFields, kw_only=True):
    """`POST /v1/credentials/oauth/connect`: a credential, new or to be connected anew."""

    key: str
    vault: str = "default"


class ConnectAccount(OAuthClientFields, kw_only=True):
    """`POST /v1/oauth/accounts/connect`. `provider` is an account's (`claude`), or a preset's id.

    `account` names one to be connected anew; so is one whose e-mail the provider tells.
    `join`: into the provider's pool; null: only if it would be alone there.
    """

    vault: str = "default"
    account: str = ""
    nickname: str = ""
    email: str = ""
    tier: str = ""
    join: bool | None = None


class CompleteOAuth(Request):
    """`POST /v1/oauth/flows/{id}/complete`: a code, `code#state`, or the callback's address."""

    pasted: str


class OAuthFlow(Response, omit_defaults=True):
    """A login under way. What is not known, or does not apply, is left out.

    `state`: `pending` (a person's turn), `exchanging`, and then `connected`, `failed`,
    `cancelled` or `expired`. `kind`: `browser`, `headless`, `device`, or `direct` (nobody is
    asked). A person opens `authorization_url`, or `verification_uri` and types `user_code`.
    `error` is the provider's code or one of ours, `message` a sentence.
    `key` or `account` is what was connected; `account` only once it is.
    """

    id: str
    state: str
    kind: str
    vault: str
    expires_at: str
    key: str = ""
    provider: str = ""
    authorization_url: str = ""
    redirect_uri: str = ""
    verification_uri: str = ""
    verification_uri_complete: str = ""
    user_code: str = ""
    connected_at: str = ""
    account: AccountAdded | None = None
    error: str = ""
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in ("pending", "exchanging")


class OAuthProvider(Response):
    """A preset. `obtain` says where a client is registered; `redirect_uri` is what to register.

    `needs_client`: the operator has to bring a client id; `needs_secret`: its secret as well.
    """

    id: str
    name: str
    obtain: str
    redirect_uri: str
    scopes: list[str]
    needs_client: bool
    needs_secret: bool
    has_device_codes: bool


class OAuthProviderList(Response):
    """`GET /v1/oauth/providers`, by name."""

    providers: list[OAuthProvider]


class DiscoverIssuer(Request):
    """`POST /v1/oauth/discover`: ask an issuer for its endpoints; nothing is stored."""

    issuer: str
    vault: str = "default"


class IssuerFound(Response):
    """What an issuer says of itself; URLs are empty where it has no such endpoint."""

    issuer: str
    authorization_url: str
    token_url: str
    device_authorization_url: str
    scopes: list[str]
