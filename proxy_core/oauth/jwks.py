"""An issuer's published keys (RFC 7517), and signatures checked with them.

Only public keys that fit a trusted algorithm are taken; RSA below 2048 bits is forged too easily,
above 8192 it would take too long. A key is told from others by its thumbprint, so that one that was
replaced under the same name is seen to be another.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from proxy_core.base.errors import VaultError
from proxy_core.domain.issuers import suits
from proxy_core.domain.issuers.issuer import ALGORITHMS

MAX_KEYS: Final = 100
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
_MEMBERS: Final = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key as it was published; `thumbprint` is RFC 7638's, in hex."""

    id: str
    thumbprint: str
    document: Mapping[str, Any] = field(repr=False)
    _key: Any = field(repr=False)

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's, of an algorithm that the key is for."""
        if not suits(self.document, algorithm):
            return False
        return bool(jwt.get_algorithm_by_name(algorithm).verify(signed, self._key, signature))


@dataclass(frozen=True, slots=True)
class KeySet:
    """An issuer's keys, in its order."""

    keys: tuple[PublicKey, ...] = ()

    @property
    def thumbprints(self) -> frozenset[str]:
        """All of them."""
        return frozenset(key.thumbprint for key in self.keys)

    def find(self, algorithm: str, key_id: str) -> PublicKey | None:
        """The key of that name for that algorithm; without a name, the only one there is for it."""
        fit = [key for key in self.keys if suits(key.document, algorithm)]
        if key_id:
            return next((key for key in fit if key.id == key_id), None)
        return fit[0] if len(fit) == 1 else None


def parse_keys(body: bytes) -> KeySet:
    """The usable keys of a JWK Set. Some milliseconds: call it in a thread.

    Raises VaultError bad_request when there is none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    found = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(found, list) or len(found) > MAX_KEYS:
        raise VaultError("bad_request", "what the issuer publishes is no set of keys")
    keys = tuple(key for one in found if isinstance(one, Mapping) for key in _usable(one))
    if not keys:
        raise VaultError("bad_request", "the issuer publishes no key that is usable here")
    return KeySet(keys)


def _usable(document: Mapping[str, Any]) -> Iterator[PublicKey]:
    """The key, if it is one; not a private one, which should not be there and is everybody's."""
    algorithm = next((name for name in ALGORITHMS if suits(document, name)), None)
    if algorithm is None or "d" in document:
        return
    try:
        key: Any = jwt.get_algorithm_by_name(algorithm).from_jwk(dict(document))
    except (jwt.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return
    key_id = document.get("kid")
    members = {name: document[name] for name in _MEMBERS[str(document["kty"])]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    thumbprint = sha256(canonical.encode()).hexdigest()
    yield PublicKey(key_id if isinstance(key_id, str) else "", thumbprint, document, key)
