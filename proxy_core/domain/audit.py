"""The audit's entries and the chain that holds them together: pure, no clock, no key kept.

    text(n)   the entry as JSON: keys sorted, no spaces, ASCII alone (so every character has one
              spelling, and no database changes it)
    hash(n)   SHA-256 of a prefix, hash(n-1), n in 8 bytes, text(n)
    seal(n)   HMAC-SHA256 of hash(n) under a key that only an open vault has; empty while sealed

The very text that was hashed is what is stored, so nothing has to be encoded the same way twice.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

GENESIS: Final = bytes(32)
"""What stands before the first entry."""
MOST_OF_A_VALUE: Final = 4_000
"""Characters of one value before or after, as JSON; what is longer is left out and said to be."""

_CHAIN: Final = b"vault-tui audit 1\0"
_START: Final = b"vault-tui audit start 1\0"
_Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who acts, and from where.

    `kind` is a principal's, `worker`, or `nobody` for who proved nothing. `source` holds `uid`,
    `pid` and `tty` of the control socket's peer, or the `address` of a TCP client, and the `issuer`
    by whose JWT it is known. `route` is the endpoint, for example `POST /v1/credentials`.
    """

    kind: str
    name: str = ""
    id: str = ""
    source: _Values = field(default_factory=dict)
    route: str = ""


WORKER: Final = Origin("worker")


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: `action` to `target`, in a vault perhaps. Neither `before` nor `after` holds
    a secret: of one that was replaced they say `changed`.
    """

    action: str
    target: str = ""
    vault_id: str = ""
    vault: str = ""
    before: _Values = field(default_factory=dict)
    after: _Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry in its place. `seal` is empty when the vault was sealed as it was written."""

    seq: int
    text: str
    hash: bytes
    seal: bytes = b""


def entry_text(at: float, origin: Origin, deed: Deed) -> str:
    """The entry as it is hashed and stored; `at` is epoch seconds."""
    return canonical(
        {
            "action": deed.action,
            "actor": {"id": origin.id, "kind": origin.kind, "name": origin.name},
            "after": _bounded(deed.after),
            "at": at,
            "before": _bounded(deed.before),
            "from": dict(origin.source),
            "route": origin.route,
            "target": deed.target,
            "vault": deed.vault,
            "vault_id": deed.vault_id,
        }
    )


def canonical(value: Any) -> str:
    """JSON with one spelling. Raises TypeError, ValueError for what JSON does not have."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_of(previous: bytes, seq: int, text: str) -> bytes:
    """The hash of entry `seq`, which follows the one whose hash is `previous`."""
    return hashlib.sha256(_CHAIN + previous + seq.to_bytes(8, "big") + text.encode()).digest()


def seal_of(key: bytes, hash_: bytes) -> bytes:
    """What only a holder of the key could have made."""
    return hmac.digest(key, hash_, hashlib.sha256)


def start_seal(key: bytes, seq: int, hash_: bytes) -> bytes:
    """Vouches that everything up to `seq` was pruned by a holder of the key."""
    return hmac.digest(key, _START + seq.to_bytes(8, "big") + hash_, hashlib.sha256)


def is_seal(expected: bytes, found: bytes) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(expected, found)


def _bounded(values: _Values) -> dict[str, Any]:
    return {
        name: value
        if (length := len(canonical(value))) <= MOST_OF_A_VALUE
        else {"left_out_characters": length}
        for name, value in values.items()
    }
