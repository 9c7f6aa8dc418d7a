"""Where a request goes, and the ways in that say so: CONNECT, or an absolute target."""

from dataclasses import dataclass
from typing import NamedTuple

from proxy_core.base.errors import VaultError
from proxy_core.domain.agent_tokens import carries_jwt
from proxy_core.domain.exchange import Access, Ingress
from proxy_core.domain.hosts import format_authority, split_authority
from proxy_core.mitm.http1 import RequestHead, Target, TargetForm, split_target
from proxy_core.mitm.ports import Broker

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """What upstream connections are kept by. `host` is normalised."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """As in a Host field: the scheme's own port is left out."""
        return format_authority(self.host, self.port, DEFAULT_PORTS[self.scheme])


@dataclass(frozen=True, slots=True)
class Route:
    """One origin that an authenticated client asked for, and how.

    `refusal`, a code and its sentence, answers every request that comes this way: a differing SNI,
    too many connections.
    """

    ingress: Ingress
    origin: Origin
    host_field: bytes
    access: Access
    refusal: tuple[str, str] | None = None


def route_to(
    ingress: Ingress, origin: Origin, access: Access, refusal: tuple[str, str] | None = None
) -> Route:
    """A route with its Host field spelled out once, for all requests that take it."""
    return Route(ingress, origin, origin.authority.encode("ascii"), access, refusal)


def connect_origin(head: RequestHead) -> tuple[str, int]:
    """Host and port that a CONNECT names. Raises VaultError bad_request."""
    return split_authority(split_target(head.method, head.target).authority.decode("latin-1"))


def absolute_origin(target: Target) -> Origin:
    """The origin of a request to the proxy itself. Raises VaultError bad_request."""
    if target.form is not TargetForm.ABSOLUTE:
        raise VaultError(
            "bad_request",
            "this is a forward proxy: set it as HTTP_PROXY and HTTPS_PROXY instead of opening it",
        )
    if target.scheme == b"https":
        raise VaultError(
            "bad_request", "https goes through CONNECT; an absolute https:// target is not accepted"
        )
    host, port = split_authority(target.authority.decode("latin-1"), DEFAULT_PORTS["http"])
    return Origin("http", host, port)


def check_inside(target: Target, origin: Origin) -> None:
    """A target inside a tunnel may name no origin but the tunnel's. Raises VaultError."""
    if target.form in (TargetForm.ORIGIN, TargetForm.ASTERISK):
        return
    if target.form is TargetForm.AUTHORITY:
        raise VaultError("bad_request", "CONNECT inside a tunnel is not accepted")
    scheme = target.scheme.decode("ascii")
    named = split_authority(target.authority.decode("latin-1"), DEFAULT_PORTS[scheme])
    if Origin(scheme, *named) != origin:
        raise VaultError("bad_request", "the request names another origin than its tunnel")


async def authenticated(
    broker: Broker, authorization: bytes | None, address: str, vault: str | None = None
) -> Access:
    """Who asks; waits only for a JWT's issuer. Raises VaultError as `Broker.authenticate`."""
    if carries_jwt(authorization):
        await broker.verify(authorization or b"", address)
    return broker.authenticate(authorization, address, vault)


def proxy_credentials(head: RequestHead) -> bytes | None:
    """The Proxy-Authorization field's value. Raises VaultError bad_request for several."""
    found = [value for name, value in head.headers if name.lower() == b"proxy-authorization"]
    if len(found) > 1:
        raise VaultError("bad_request", "more than one Proxy-Authorization field")
    return found[0] if found else None
