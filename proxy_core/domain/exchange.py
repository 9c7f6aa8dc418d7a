"""What the data path and the broker tell each other about one request. Values only.

The data path (`mitm`) asks, the broker (`services.broker`) answers:

    authenticate(authorization)  -> Access         once a connection, or a gateway request
    gateway(access, prefix)      -> Gateway        where a gateway request leads
    decide(access, facts)        -> Decision, Ask  every request, from the compiled snapshot
    hold(access, facts, ask, …)  -> Decision       what an operator has to allow first
    inject(decision, details)    -> Injection      every request: secrets, dropped after use
    observe(loan, status, …)                       every response to a borrowed credential
    reconsider(decision, loan, …) -> Decision|None a refusal that another credential may lift
    returned(loan)                                 a borrowed credential is not in use any more
    record(RequestRecord)                          every request, when it has ended

A credential is *borrowed* when it is not a stored value: an OAuth login's access token, or that of
an account which is chosen among several. What was borrowed is a `Loan`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import msgspec

from proxy_core.domain.service import Service, Surface
from proxy_core.domain.signing import Signer


class ActorType(StrEnum):
    """What kind of token made a request."""

    AGENT = "agent"
    SESSION = "session"
    USER = "user"


class Ingress(StrEnum):
    """The way a request came in."""

    CONNECT = "connect"
    ABSOLUTE = "absolute"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Access:
    """An authenticated client and the vault it named (None: it named none).

    `vault_id` is the vault's that had the name then: a connection outlives a vault's name.
    """

    token_sha256: bytes
    actor_type: ActorType
    actor_id: str
    actor_name: str
    vault: str | None
    vault_id: str = ""


class RequestFacts(msgspec.Struct, frozen=True, gc=False):
    """What a decision is made on.

    `host` is normalised (lower case, IDNA, no trailing dot), `path` and `query` are exactly as
    they will be forwarded before substitution, without and with the `?` respectively left out.
    """

    scheme: str
    host: str
    port: int
    method: str
    path: str
    query: str
    ingress: Ingress


class BorrowedKind(StrEnum):
    """The types of credentials that are no stored value; the names are the credential's.

    `minted` is no type: a service makes tokens of what the credential stores.
    """

    OAUTH = "oauth"
    POOL = "pool"
    COMMAND = "command"
    MINTED = "minted"


@dataclass(frozen=True, slots=True)
class Loan:
    """A borrowed credential: which login's token, of which generation, served a request.

    `account_id` and `account` (its display name) are empty for a login that is no account's.
    `reason` says in words why this account was chosen. `model` and `conversation` are the
    request's, as far as they are known. `shared`: it is one of several accounts, whose quota is
    none of the client's business. `login_id` is the credential's id where a command told the value,
    and empty where the token was made of the credential's.
    """

    vault_id: str
    credential_key: str
    login_id: str
    generation: int
    account_id: str = ""
    account: str = ""
    reason: str = ""
    model: str = ""
    conversation: str = ""
    shared: bool = False
    kind: BorrowedKind = BorrowedKind.OAUTH


@dataclass(frozen=True, slots=True)
class Tried:
    """A loan that the upstream has refused, and its status."""

    loan: Loan
    status: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The request may go on. `service` None: no service, forwarded without a credential.

    `reconsiders`: the broker may have another credential to offer once the upstream has refused
    this one, so the request's body is kept for another attempt. `borrows`: a credential is
    borrowed; `pooled`: from one of several accounts, and what the request says of its model and
    conversation counts for the choice. `account_id` is the account that the client is pinned to.
    `tried` are the loans that the upstream has refused so far.
    """

    vault: str
    service: Service | None
    reason: str
    credential_keys: tuple[str, ...] = ()
    reconsiders: bool = False
    borrows: bool = False
    pooled: bool = False
    account_id: str = ""
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestDetails:
    """What the choice of an account depends on. `headers` are in order and case as received.

    `model` and `conversation` are what a JSON body says, empty where it was not looked into.
    """

    headers: Sequence[tuple[bytes, bytes]] = field(default=(), repr=False)
    model: str = ""
    conversation: str = ""


NO_DETAILS = RequestDetails()


class ResponseFacts(msgspec.Struct, frozen=True, gc=False):
    """A refusal, before any of it has reached the client: the head of a response of 400 or more,
    or of a stream whose first event tells of an error.

    `headers` are in order and case as received. `repeatable` False: the request can't be sent
    again, so the response will pass whatever is decided. `event` is that first event's data; `body`
    is that of a refusal of 4xx, where what was lent has signed the request and it is short.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    repeatable: bool
    event: bytes = b""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Ask:
    """An operator has to say whether the request may go on; `decision` is what it then becomes.

    `rule` is the position of the rule that asks among its service's, -1 for the vault's policy on
    hosts that no service covers.
    """

    decision: Decision
    rule: int
    reason: str

    @property
    def service_name(self) -> str:
        """The service that covers the request; empty without one."""
        return self.decision.service.name if self.decision.service else ""


@dataclass(frozen=True, slots=True)
class SecretSubstitution:
    """A placeholder and the bytes that replace it on the declared surfaces."""

    placeholder: bytes
    value: bytes = field(repr=False)
    surfaces: frozenset[Surface]


class ScrubStream(Protocol):
    """A text that comes in pieces, on its way through a `Scrub`."""

    @property
    def replaced(self) -> bool:
        """Something was, in what was given until now."""

    def feed(self, data: bytes | memoryview) -> bytes:
        """What is decided after `data`, replaced; the rest is held back."""

    def flush(self) -> bytes:
        """The rest: the text has ended."""


class Scrub(Protocol):
    """Replaces the injected secrets that a response echoes by their placeholders."""

    def whole(self, text: bytes) -> bytes:
        """`text`, which nothing follows; the same object when it holds no secret."""

    def stream(self) -> ScrubStream:
        """For a text that comes in pieces."""


class Injection(msgspec.Struct, frozen=True, gc=False):
    """Header fields to set, each exactly once, replacing the client's (names in any case).

    `scrub` None: the response goes on as it comes. `loan`: what was borrowed for it, to be given
    back (`returned`) when the request has ended or is sent again with another one. `signer` signs
    what is to be sent, when all else is settled. `dropped` are folded names of the client's fields
    that don't go on.
    """

    headers: tuple[tuple[bytes, bytes], ...] = ()
    substitutions: tuple[SecretSubstitution, ...] = ()
    scrub: Scrub | None = None
    loan: Loan | None = None
    signer: Signer | None = None
    dropped: frozenset[bytes] = frozenset()

    def __repr__(self) -> str:
        """Without a value."""
        return f"Injection({', '.join(self.header_names)})"

    @property
    def header_names(self) -> tuple[str, ...]:
        """Names only: what a log or a screen may show."""
        names = tuple(name.decode("ascii") for name, _ in self.headers)
        return names if self.signer is None else (*names, "Authorization")


NO_INJECTION = Injection()
