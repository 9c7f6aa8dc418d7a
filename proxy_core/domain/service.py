"""The service document: which requests get which credential.

Field names are a public contract, the same in JSON and YAML. Parsing and validation live in
`service_document.py`; matching in `matching.py`; header injection in `injection.py`.
"""

from dataclasses import dataclass
from enum import StrEnum

from proxy_core.domain.hosts import format_authority

DEFAULT_FAILOVER = (429, 529)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AuthType(StrEnum):
    """How a credential is attached."""

    BEARER = "bearer"
    BASIC = "basic"
    API_KEY = "api-key"
    CUSTOM = "custom"
    PASSTHROUGH = "passthrough"
    AWS_SIGV4 = "aws-sigv4"
    GCP = "gcp"
    AZURE = "azure"
    GITHUB_APP = "github-app"


class Surface(StrEnum):
    """Where a placeholder may be replaced."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"
    WEBSOCKET = "websocket"


class Action(StrEnum):
    """What a rule does with a request that it matches."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


class UnmatchedHostPolicy(StrEnum):
    """What a vault does with a host that no service covers."""

    PASSTHROUGH = "passthrough"
    DENY = "deny"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Auth:
    """One of the auth types; fields that the type does not use are empty.

    `token`, `username`, `password`, `key`, `access_key_id`, `secret_access_key`, `session_token`,
    `client_secret` and `private_key` are credential keys, never values. `headers` are
    (name, template) pairs in which `{{ KEY }}` stands for a credential.
    `region` and `service` are AWS', where the host's name doesn't say them; `role_arn` is the role
    that signs in the keys' place, with what its owner asks for, for `duration` seconds (0: AWS'
    default). `app_id` and `installation_id` are GitHub's; `tenant` and `client_id` are Entra ID's;
    `scope` holds scopes with blanks between them.
    """

    type: AuthType
    token: str = ""
    username: str = ""
    password: str = ""
    key: str = ""
    header: str = ""
    prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    region: str = ""
    service: str = ""
    role_arn: str = ""
    external_id: str = ""
    session_name: str = ""
    duration: int = 0
    app_id: str = ""
    installation_id: str = ""
    tenant: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True)
class Substitution:
    """`placeholder` becomes the value of credential `key`, on the surfaces named and no other."""

    key: str
    placeholder: str
    surfaces: frozenset[Surface] = frozenset({Surface.PATH, Surface.QUERY})


@dataclass(frozen=True, slots=True)
class Rule:
    """First match wins; no methods means all, no path means all. `path` may hold `*` globs."""

    action: Action
    methods: frozenset[str] = frozenset()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Gateway:
    """`/<prefix>/…` on the proxy's port leads to this upstream.

    `host` is normalised and one that the service covers; `base` is the path before what stands
    behind the prefix, empty or `/…` without a slash at its end.
    """

    prefix: str
    scheme: str
    host: str
    port: int
    base: str = ""

    @property
    def upstream(self) -> str:
        """As a URL, without a slash at its end."""
        default = _DEFAULT_PORTS[self.scheme]
        return f"{self.scheme}://{format_authority(self.host, self.port, default)}{self.base}"


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a vault.

    `host` is a normalised host or `*.suffix` (one label); `port` 0 means any; `path` is a glob
    that starts with `/`, or empty for all paths. `scrub`: secrets that its responses echo are
    replaced by their placeholders. `failover`: statuses that move a pool to its next account.
    `capture`: it covers a token endpoint, and the tokens of agents that log in there stay here.
    `gateway`: the proxy's port serves it too, to tools that take a base URL.
    """

    name: str
    host: str
    auth: Auth
    port: int = 0
    path: str = ""
    enabled: bool = True
    substitutions: tuple[Substitution, ...] = ()
    rules: tuple[Rule, ...] = ()
    allow_http: bool = False
    scrub: bool = True
    failover: tuple[int, ...] = DEFAULT_FAILOVER
    capture: bool = False
    gateway: Gateway | None = None

    @property
    def pattern(self) -> str:
        """The inline form `host[:port][/path]`, as the document has it."""
        return f"{format_authority(self.host, self.port)}{self.path}"
