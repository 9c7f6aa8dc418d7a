"""Traffic records: what is kept of a request. Never a body, a query string or a header value."""

import msgspec


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False, gc=False):
    """One finished request, in the log, in events and in the API's answer alike.

    Times are epoch seconds (`started_at`) and milliseconds (`*_ms`, -1: did not happen); sizes are
    body bytes. `request_id` is unique across workers. `id` is the log's row number, 0 before it is
    stored. `status` 0 means the client left before an answer. `held_ms` is how long the request
    waited for an operator, which no other time includes.
    """

    request_id: str
    started_at: float
    vault: str
    ingress: str
    method: str
    scheme: str
    host: str
    port: int
    path: str
    actor_type: str = ""
    actor_id: str = ""
    actor_name: str = ""
    matched_service: str = ""
    credential_keys: tuple[str, ...] = ()
    injected_headers: tuple[str, ...] = ()
    decision: str = ""
    """`injected`, `passthrough` (service without credential), `unmatched`, `denied`, `failed`;
    `captured` (a login) and `answered` (a gateway path), which the vault has answered itself.

    A console's row of a request that waits for an operator has `held`, which no log does.
    """
    reason: str = ""
    status: int = 0
    error_code: str = ""
    latency_ms: float = -1.0
    connect_ms: float = -1.0
    tls_ms: float = -1.0
    first_byte_ms: float = -1.0
    bytes_up: int = 0
    bytes_down: int = 0
    streaming: bool = False
    websocket: bool = False
    reused_upstream: bool = False
    retries: int = 0
    account: str = ""
    account_reason: str = ""
    """Why this account and no other of its pool served the request."""
    held_ms: float = -1.0
    id: int = 0


class RequestStart(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that was let through and is under way; or that waits for an operator.

    The latter has the `decision` `held`, and is told of again should it be let through.
    """

    request_id: str
    started_at: float
    vault: str
    ingress: str
    method: str
    scheme: str
    host: str
    port: int
    path: str
    actor_type: str
    actor_id: str
    actor_name: str
    matched_service: str
    credential_keys: tuple[str, ...]
    reason: str
    decision: str = ""
    held_ms: float = -1.0
