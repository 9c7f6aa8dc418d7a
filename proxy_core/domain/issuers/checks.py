"""What must hold of a JWT and of the key that signed it. Times are epoch seconds."""

from collections.abc import Mapping
from typing import Any, Final

from proxy_core.domain.issuers.issuer import ALGORITHMS, Issuer
from proxy_core.domain.issuers.presented import Presented, refused

LEEWAY_SECONDS: Final = 30.0
"""How far ahead an issuer's clock may be. `exp` has none: what has expired here is over."""
MAX_SUBJECT: Final = 255
_END_OF_TIME: Final = 253_402_300_800.0


def check(presented: Presented, issuer: Issuer, now: float) -> float:
    """When it expires. Raises VaultError unauthorized, which says why it does not count.

    That its signature is the issuer's has to be seen besides.
    """
    claims = presented.claims
    if presented.algorithm not in issuer.algorithms:
        raise refused("its algorithm is not one that is trusted of its issuer")
    if presented.issuer != issuer.url:
        raise refused("its issuer is another")
    if not _audiences(claims) & set(issuer.audiences):
        raise refused("it is meant for another audience")
    if "cnf" in claims:
        raise refused("it is bound to a key, and bearing it proves nothing")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise refused("it names no subject")
    return _lifetime(claims, now)


def auth_time(claims: Mapping[str, Any]) -> float | None:
    """When the person last proved to the issuer who it is (OpenID Connect Core 2); None: unsaid.

    Raises VaultError unauthorized where that is no time.
    """
    return _time(claims, "auth_time")


def suits(key: Mapping[str, Any], algorithm: str) -> bool:
    """Whether a JSON Web Key is for checking signatures of this algorithm (RFC 7517 4).

    A key of one kind used as another's is how signatures were forged: all that it says must fit.
    """
    kind, curve = ALGORITHMS.get(algorithm, ("", ""))
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") == kind
        and (not curve or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and key.get("alg", algorithm) == algorithm
    )


def _audiences(claims: Mapping[str, Any]) -> set[str]:
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    return {one for one in values if isinstance(one, str)}


def _lifetime(claims: Mapping[str, Any], now: float) -> float:
    expires_at = _time(claims, "exp")
    if expires_at is None:
        raise refused("it never expires")
    if expires_at <= now:
        raise refused("it has expired")
    for name in ("nbf", "iat"):
        begin = _time(claims, name)
        if begin is not None and begin > now + LEEWAY_SECONDS:
            raise refused("it is not valid yet")
    return expires_at


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(f"its {name} is no time")
    if not 0 <= value < _END_OF_TIME:
        raise refused(f"its {name} is no time")
    return float(value)
