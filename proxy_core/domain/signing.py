"""What the data path and a signer tell each other about one request. Values only.

A signature covers what is sent, so it comes last: placeholders are replaced, the framing is
settled, and where the signature covers the body, that has been read.
"""

from dataclasses import dataclass, field
from typing import Protocol

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request as it would go on without a signature.

    `host` is normalised, `host_field` is `host[:port]` as it is sent; `target` is in origin form;
    `headers` are those that go on, Host and framing not among them.
    """

    scheme: str
    host: str
    host_field: bytes
    method: bytes
    target: bytes = field(repr=False)
    headers: Headers = field(repr=False)
    has_body: bool


@dataclass(frozen=True, slots=True)
class WholeBody:
    """A body that was read whole; `sha256` in lower-case hex."""

    data: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signature makes of it. `dropped` are names, in lower case, of fields of the
    client's that don't go on; `fields` are set, each once. `body` None: it goes on as it is.
    """

    target: bytes = field(repr=False)
    dropped: frozenset[bytes]
    fields: Headers = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


class Signer(Protocol):
    """Signs one request, and it again when it is sent again."""

    def reads_body(self, request: Unsigned) -> bool:
        """Whether the body has to be read before. Raises VaultError: signing_failed."""

    def sign(self, request: Unsigned, body: WholeBody | None) -> Signed:
        """`body` is there if it had to be read. Raises VaultError: signing_failed, bad_request."""
