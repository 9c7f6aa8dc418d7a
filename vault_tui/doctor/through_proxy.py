"""A request of our own through the proxy: its port, the token, the CA, and the way to the upstream.

Where Claude Code is used it is `HEAD /api/hello`, by which the program itself looks whether the
host is there: it needs no login and costs no quota. Else it is a TRACE, which the proxy refuses
inside the tunnel, so that nothing reaches the upstream.
"""

import base64
import http.client
import ssl
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit

from proxy_core.base.text import display_safe
from proxy_core.domain.doctor import Probe
from proxy_core.domain.doctor.environment_rules import ANTHROPIC_HOST

_REFUSED_AS_HOPED = "trace_not_allowed"
_CODE_HEADER = "X-Vault-Proxy-Error"
_REASON_LENGTH = 120


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """Where the proxy listens, and `user:password` for it."""

    host: str
    port: int
    userinfo: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "ProxyAddress | None":
        """Of a proxy variable, or `host:port`; None for anything that is not http."""
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            port = parts.port or 80
        except ValueError:
            return None
        if parts.scheme != "http" or not parts.hostname:
            return None
        userinfo = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        return cls(parts.hostname, port, userinfo if parts.username else "")


def probe(
    address: ProxyAddress,
    ca_pem: str,
    timeout: float,
    *,
    to_upstream: bool,
    host: str = ANTHROPIC_HOST,
) -> Probe:
    """Send it: as far as the upstream, or to the proxy alone. `timeout` in seconds for each step.

    Raises nothing: a failure is the answer.
    """
    # The worker's CA alone: whoever else answers for the host is not the worker.
    context = ssl.create_default_context(cadata=ca_pem)
    connection = http.client.HTTPSConnection(
        address.host, address.port, timeout=timeout, context=context
    )
    proof = base64.b64encode(address.userinfo.encode()).decode()
    connection.set_tunnel(host, 443, {"Proxy-Authorization": f"Basic {proof}"})
    method, path = ("HEAD", "/api/hello") if to_upstream else ("TRACE", "/")
    try:
        connection.request(method, path, headers={"Connection": "close"})
        response = connection.getresponse()
    except ssl.SSLCertVerificationError:
        return Probe(host, failure="the certificate is not of the worker's CA")
    except TimeoutError:
        return Probe(host, failure="no answer in time")
    except (OSError, http.client.HTTPException) as error:
        return _refused(host, error)
    finally:
        connection.close()
    code = response.getheader(_CODE_HEADER) or ""
    return Probe(
        host,
        status=response.status,
        code="" if code == _REFUSED_AS_HOPED else code,
        date=_date(response.getheader("Date")) if not code else None,
    )


def _refused(host: str, error: Exception) -> Probe:
    """`Tunnel connection failed: 407 …` is http.client's way to tell a refused CONNECT."""
    said = display_safe(str(error), _REASON_LENGTH) or type(error).__name__
    if ": 407" in said:
        return Probe(host, status=407, code="proxy_auth_required")
    if ": 503" in said:
        return Probe(host, status=503, code="sealed")
    return Probe(host, failure=said)


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None
