"""Signing JWT assertions with an operator's private key."""

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from proxy_core.domain.oauth.failures import TokenError

MIN_RSA_BITS = 2048

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


def signed(claims: Mapping[str, Any], private_key: bytes, key_id: str) -> str:
    """A JWS of `claims`, by the algorithm that suits the PEM key. Raises TokenError invalid_key."""
    try:
        key = load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable("the private key is no unencrypted PEM key") from None
    headers = {"kid": key_id} if key_id else None
    if isinstance(key, RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return jwt.encode(dict(claims), key, "RS256", headers)
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return jwt.encode(dict(claims), key, _CURVES[key.curve.name], headers)
    if isinstance(key, Ed25519PrivateKey):
        return jwt.encode(dict(claims), key, "EdDSA", headers)
    raise _unusable("the private key must be RSA of 2048 bits or more, NIST P, or Ed25519")


def _unusable(why: str) -> TokenError:
    return TokenError(final=True, code="invalid_key", detail=why)
