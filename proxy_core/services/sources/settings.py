"""Which store, and what opens it: as an operator asks for it, and as it was sealed."""

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.oauth.urls import check_endpoint_url
from proxy_core.domain.sources import INTERVAL_SECONDS
from proxy_core.services.sources.answers import SourceError, fits_header


class HashiCorp(msgspec.Struct, frozen=True, kw_only=True):
    """Where the secret is, and what opens it: a token, or a role id and a secret id."""

    url: str
    mount: str
    path: str
    namespace: str = ""
    token: str = ""
    role_id: str = ""
    secret_id: str = ""

    def __repr__(self) -> str:
        return f"HashiCorp({self.shown})"

    @property
    def shown(self) -> str:
        """The place, as people may read it."""
        return f"{self.url} {self.mount}/{self.path}"


class Infisical(msgspec.Struct, frozen=True, kw_only=True):
    """Where the secrets are, and the machine identity that may read them.

    `imports`: those of the folder too; `recursive`: those of all folders below.
    """

    url: str
    project: str
    environment: str
    path: str
    client_id: str
    client_secret: str
    imports: bool = False
    recursive: bool = False

    def __repr__(self) -> str:
        return f"Infisical({self.shown})"

    @property
    def shown(self) -> str:
        """The place, as people may read it."""
        more = [
            *(["and folders below"] if self.recursive else []),
            *(["with imports"] if self.imports else []),
        ]
        said = f" ({', '.join(more)})" if more else ""
        return f"{self.url} {self.project} {self.environment}:{self.path}{said}"


Settings = HashiCorp | Infisical


def checked(request: wire.SetSource, allow_http_loopback: bool) -> Settings:
    """Raises VaultError: bad_request."""
    low, high = INTERVAL_SECONDS
    if not low <= request.interval_seconds <= high:
        raise VaultError("bad_request", f"interval_seconds must be {low} to {high}.")
    check_endpoint_url(request.url, "url", allow_http_loopback)
    fields = (getattr(request, name) for name in request.__struct_fields__)
    texts = [text for text in fields if isinstance(text, str)]
    if not all(fits_header(text) and len(text) <= 4096 for text in texts):
        raise VaultError("bad_request", "A field holds characters that no header can.")
    if request.type == "hashicorp":
        return _hashicorp(request)
    if request.type == "infisical":
        return _infisical(request)
    raise VaultError("bad_request", "type must be hashicorp or infisical.")


def unsealed(kind: str, content: bytes) -> Settings:
    """Raises SourceError for a kind that does not fit: someone wrote to the database."""
    try:
        if kind == "infisical":
            return msgspec.json.decode(content, type=Infisical)
        return msgspec.json.decode(content, type=HashiCorp)
    except msgspec.DecodeError:
        raise SourceError("The store's settings can't be read: set the source anew.") from None


def _hashicorp(request: wire.SetSource) -> HashiCorp:
    theirs = (request.project, request.environment, request.client_id, request.client_secret)
    if any(theirs) or request.recursive:
        raise VaultError(
            "bad_request", "Project, environment, client and recursive are Infisical's."
        )
    mount, path = request.mount.strip("/"), request.path.strip("/")
    if not mount:
        mount, _, path = path.partition("/")
    if not (_is_plain(mount) and _is_plain(path)):
        raise VaultError("bad_request", "path must be MOUNT/PATH, or PATH beside a mount.")
    if bool(request.token) == bool(request.role_id and request.secret_id):
        raise VaultError("bad_request", "Give a token, or a role_id and a secret_id.")
    return HashiCorp(
        url=request.url.rstrip("/"),
        mount=mount,
        path=path,
        namespace=request.namespace,
        token=request.token,
        role_id=request.role_id,
        secret_id=request.secret_id,
    )


def _infisical(request: wire.SetSource) -> Infisical:
    theirs = (request.token, request.role_id, request.secret_id, request.namespace, request.mount)
    if any(theirs):
        raise VaultError("bad_request", "Token, role, namespace, mount are HashiCorp Vault's.")
    path = request.path.strip("/")
    if path and not _is_plain(path):
        raise VaultError("bad_request", "path must be /FOLDER/… of an environment.")
    if not (request.project and request.environment):
        raise VaultError("bad_request", "Give a project and an environment.")
    if not (request.client_id and request.client_secret):
        raise VaultError("bad_request", "Give a client_id and a client_secret.")
    return Infisical(
        url=request.url.rstrip("/"),
        project=request.project,
        environment=request.environment,
        path=f"/{path}",
        client_id=request.client_id,
        client_secret=request.client_secret,
        imports=request.imports,
        recursive=request.recursive,
    )


def _is_plain(path: str) -> bool:
    return not any(part in {"", ".", ".."} for part in path.split("/"))
