"""The way to the issuer: through the environment's proxy or straight, and whose CAs count.

A proxy that is a worker of ours is passed by: `vault-tui run` puts it into the environment of a
command, and a refresh token is nothing that it should open, log or scan.
"""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from proxy_core.base.ids import AGENT_PREFIX, SESSION_PREFIX
from proxy_core.domain.no_proxy import bypasses, listed
from proxy_core.domain.oauth.failures import TokenError
from proxy_core.domain.oauth.urls import is_loopback

_VARIABLES = ("https_proxy", "HTTPS_PROXY")
_BUNDLE = "REQUESTS_CA_BUNDLE"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy; `headers` prove who asks it."""

    host: str
    port: int
    headers: Mapping[str, str] = field(repr=False)


def proxy_for(host: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that leads to an https host; None: straight there.

    Raises TokenError, not final: the environment names one of another kind.
    """
    named = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    if not named or is_loopback(host) or bypasses(listed(environ), host):
        return None
    try:
        parts = urlsplit(named if "://" in named else f"http://{named}")
        port = parts.port or 80
    except ValueError:
        raise _unusable() from None
    user = unquote(parts.username or "")
    if user.startswith((AGENT_PREFIX, SESSION_PREFIX)):
        return None
    if parts.scheme != "http" or not parts.hostname:
        raise _unusable()
    pair = f"{user}:{unquote(parts.password or '')}"
    proof = base64.b64encode(pair.encode("utf-8", "surrogateescape")).decode()
    return Proxy(parts.hostname, port, {"Proxy-Authorization": f"Basic {proof}"} if user else {})


def trust(ca_file: str, environ: Mapping[str, str]) -> ssl.SSLContext:
    """The system's CAs, or those of SSL_CERT_FILE; and those of REQUESTS_CA_BUNDLE and `ca_file`.

    Raises TokenError, not final: a file cannot be read, or holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for whose, path in ((_BUNDLE, environ.get(_BUNDLE, "")), ("--ca-file", ca_file)):
        try:
            if path:
                context.load_verify_locations(cafile=path)
        except (OSError, ValueError):  # SSLError is an OSError
            detail = f"the CA file of {whose} cannot be read, or holds no certificate"
            raise TokenError(False, "ca_unusable", detail) from None
    return context


def _unusable() -> TokenError:
    detail = "HTTPS_PROXY names no http://HOST:PORT, and no other kind of proxy is used"
    return TokenError(False, "proxy_unusable", detail)
