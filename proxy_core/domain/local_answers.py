"""Gateway paths that the vault answers itself: what it is asked, and what it says.

LocalRequest   a request's head, looked at before anybody knows whose it is
LocalPath      the path is one of these: whether a token is needed, how large a body may be
Local          the same request, read whole and authenticated
LocalAnswer    the whole response
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy_core.domain.exchange import Access


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A request to the gateway, before anybody knows whose it is and where it leads.

    `prefix` and `path` are the target's, `path` is empty or begins with a slash, and has no `/v1`
    that only a base URL has put there; `query` is without `?`. `base` is the gateway's own URL as
    the client wrote it, for example `http://127.0.0.1:14322`. `address` is the client's, without
    its port. `headers` are in order and case as received, without those that bear the client's
    token; `has_token`: it sent something that is to say who it is.
    """

    method: str
    prefix: str
    path: str
    query: str
    base: str
    address: str
    has_token: bool = False
    headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)

    def header(self, name: bytes) -> str:
        """A field's value, empty without it or where it stands there twice. `name`: lower case."""
        found = [value for key, value in self.headers if key.lower() == name]
        return found[0].decode("latin-1") if len(found) == 1 else ""


@dataclass(frozen=True, slots=True)
class LocalPath:
    """A path that the vault may answer itself.

    `public`: without asking who the client is. `max_body`: bytes; a larger body is refused.
    `what` is for the log: `what` answered.
    """

    what: str
    public: bool = False
    max_body: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """The whole answer. `headers` are beside Content-Length and Connection, which are set; so is
    `what`, which says in the log what answered.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    what: str = ""


@dataclass(frozen=True, slots=True)
class Local:
    """A request for a `LocalPath`, read whole. `access` None: the path is public."""

    request: LocalRequest
    path: LocalPath
    access: Access | None = None
    body: bytes = field(default=b"", repr=False)
