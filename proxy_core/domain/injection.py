"""From a service and its secrets to header fields. Runs for every request that gets a credential.

Where tokens are minted from a stored key, `secret` answers the token for the key's name.

Secrets come in as bytes in UTF-8 and leave as bytes in Latin-1, the encoding of header fields. No
error raised here holds a secret, nor does the exception it came from.
"""

from base64 import b64encode
from collections.abc import Callable

from proxy_core.domain.cloud import azure, github_app
from proxy_core.domain.exchange import NO_INJECTION, Injection, SecretSubstitution
from proxy_core.domain.gateway import is_anthropic
from proxy_core.domain.secret_values import checked_value, header_value, invalid_value
from proxy_core.domain.service import AuthType, Service, Substitution, Surface
from proxy_core.domain.templates import parse_template

Secret = Callable[[str], bytes]
"""Answers the value of a credential key; raises VaultError credential_not_found and the like."""

_Header = tuple[bytes, bytes]
_NOTHING: frozenset[bytes] = frozenset()
_AUTHORIZATION = b"Authorization"
_ANTHROPICS = frozenset((b"authorization", b"x-api-key"))
_ESCAPING = frozenset((Surface.BODY, Surface.WEBSOCKET))


def build_injection(service: Service, secret: Secret) -> Injection:
    """Header fields and substitutions for one request.

    Raises VaultError substitution_invalid when a value would break out of its place, and whatever
    `secret` raises.
    """
    headers = _BUILDERS[service.auth.type](service, secret)
    dropped = _dropped(service) if headers else _NOTHING
    if not service.substitutions:
        return Injection(headers, dropped=dropped) if headers else NO_INJECTION
    substitutions = tuple(
        SecretSubstitution(
            rule.placeholder.encode("ascii"), _substitute(rule, secret(rule.key)), rule.surfaces
        )
        for rule in service.substitutions
    )
    return Injection(headers, substitutions, dropped=dropped)


def _dropped(service: Service) -> frozenset[bytes]:
    """The client's fields that must not go on beside an injected one, where either counts."""
    if service.auth.type is AuthType.AZURE:
        return azure.CLIENTS_OWN
    return _ANTHROPICS if is_anthropic(service.host) else _NOTHING


def _substitute(rule: Substitution, value: bytes) -> bytes:
    """Forms and JSON take every character, escaped; what else it may meet is checked there."""
    return value if rule.surfaces & _ESCAPING else checked_value(rule.key, value)


def _bearer(service: Service, secret: Secret) -> tuple[_Header, ...]:
    auth = service.auth
    return ((_AUTHORIZATION, b"Bearer " + header_value(auth.token, secret(auth.token))),)


def _basic(service: Service, secret: Secret) -> tuple[_Header, ...]:
    auth = service.auth
    username = checked_value(auth.username, secret(auth.username))
    if b":" in username:
        raise invalid_value(auth.username, "holds a colon, which a basic user name cannot hold")
    password = checked_value(auth.password, secret(auth.password)) if auth.password else b""
    return ((_AUTHORIZATION, b"Basic " + b64encode(username + b":" + password)),)


def _api_key(service: Service, secret: Secret) -> tuple[_Header, ...]:
    auth = service.auth
    value = header_value(auth.key, secret(auth.key))
    name = auth.header.encode("ascii") or _AUTHORIZATION
    return ((name, auth.prefix.encode("latin-1") + value),)


def _custom(service: Service, secret: Secret) -> tuple[_Header, ...]:
    auth = service.auth
    return tuple(
        (
            name.encode("ascii"),
            b"".join(
                literal + header_value(key, secret(key)) if key else literal
                for literal, key in parse_template(template)
            ),
        )
        for name, template in auth.headers
    )


def _passthrough(_service: Service, _secret: Secret) -> tuple[_Header, ...]:
    return ()


def _signed(_service: Service, _secret: Secret) -> tuple[_Header, ...]:
    """A signature is made when all else of the request is settled: `Injection.signer`."""
    return ()


def _gcp(service: Service, secret: Secret) -> tuple[_Header, ...]:
    key = service.auth.key
    return ((_AUTHORIZATION, b"Bearer " + header_value(key, secret(key))),)


def _azure(service: Service, secret: Secret) -> tuple[_Header, ...]:
    auth = service.auth
    if auth.key:
        return ((azure.KEY_HEADER, header_value(auth.key, secret(auth.key))),)
    token = header_value(auth.client_secret, secret(auth.client_secret))
    return ((_AUTHORIZATION, b"Bearer " + token),)


def _github_app(service: Service, secret: Secret) -> tuple[_Header, ...]:
    token = header_value(service.auth.private_key, secret(service.auth.private_key))
    return ((_AUTHORIZATION, github_app.authorization(service.host, token)),)


_BUILDERS: dict[AuthType, Callable[[Service, Secret], tuple[_Header, ...]]] = {
    AuthType.BEARER: _bearer,
    AuthType.BASIC: _basic,
    AuthType.API_KEY: _api_key,
    AuthType.CUSTOM: _custom,
    AuthType.PASSTHROUGH: _passthrough,
    AuthType.AWS_SIGV4: _signed,
    AuthType.GCP: _gcp,
    AuthType.AZURE: _azure,
    AuthType.GITHUB_APP: _github_app,
}
