"""Whether the programs that agents use trust the worker's CA.

Node.js, Python and curl make a TLS handshake through the proxy, as the environment tells them to;
nothing reaches an upstream. What git would read is looked up; Java's key store is asked for the CA.
"""

import hashlib
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy_core.domain.doctor import RuntimeFacts
from vault_tui.doctor.ca_files import holds

SECONDS = 2.5
_TRUSTED, _UNTRUSTED = 0, 60
_SYSTEM_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_AGAIN = "vault-tui run -- CMD…"
_TRUST_STORE = re.compile(r"-Djavax\.net\.ssl\.trustStore=(\S+)")

# Both: the proxy's variable, the host; status 60, as curl's, for a certificate that is not trusted.
_PYTHON = """
import base64, http.client, importlib.util, os, ssl, sys
from urllib.parse import unquote, urlsplit
proxy, host = urlsplit(os.environ["HTTPS_PROXY"]), sys.argv[1]
user = unquote(proxy.username or "") + ":" + unquote(proxy.password or "")
proof = {"Proxy-Authorization": "Basic " + base64.b64encode(user.encode()).decode()}
roots = [None]
if importlib.util.find_spec("certifi"):
    import certifi
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    roots.append(named or certifi.where())
for root in roots:
    made = ssl.create_default_context(cafile=root)
    link = http.client.HTTPSConnection(proxy.hostname, proxy.port, timeout=2, context=made)
    link.set_tunnel(host, 443, proof)
    try:
        link.connect()
    except ssl.SSLCertVerificationError:
        sys.exit(60)
    link.close()
"""
_NODE = """
const proxy = new URL(process.env.HTTPS_PROXY), host = process.argv[1];
const user = decodeURIComponent(proxy.username) + ':' + decodeURIComponent(proxy.password);
const proof = 'Basic ' + Buffer.from(user).toString('base64');
require('http').request({host: proxy.hostname, port: proxy.port, method: 'CONNECT',
  path: host + ':443', headers: {Host: host + ':443', 'Proxy-Authorization': proof}})
.on('connect', (answer, socket) => {
  if (answer.statusCode !== 200) process.exit(2);
  const link = require('tls').connect({socket, servername: host}, () => process.exit(0));
  link.on('error', e => process.exit(/CERT|SIGNATURE|ISSUER|SELF_SIGNED/.test(e.code) ? 60 : 2));
}).on('error', () => process.exit(2)).end();
"""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Environment, the worker's CA in PEM, and a host to shake hands for."""

    environ: Mapping[str, str] = field(repr=False)
    ca_pem: str
    host: str

    def which(self, name: str) -> str | None:
        """A program's path, by this environment's PATH."""
        return shutil.which(name, path=self.environ.get("PATH"))


def runtime_checks(around: Surroundings) -> list[Callable[[], RuntimeFacts | None]]:
    """One for each kind of program; None for one that is not installed. They may run at once."""
    return [
        lambda: _by_handshake(around, "node", ["-e", _NODE, around.host], "NODE_EXTRA_CA_CERTS"),
        lambda: _by_handshake(around, "python3", ["-c", _PYTHON, around.host], "SSL_CERT_FILE"),
        lambda: _by_handshake(around, "curl", _curl(around.host), "CURL_CA_BUNDLE"),
        lambda: _git(around),
        lambda: _java(around),
    ]


def _curl(host: str) -> list[str]:
    """The proxy refuses a TRACE by itself, inside the tunnel."""
    return ["-sS", "-o", os.devnull, "-X", "TRACE", "--max-time", "2", f"https://{host}/"]


def _by_handshake(
    around: Surroundings, name: str, arguments: Sequence[str], variable: str
) -> RuntimeFacts | None:
    program = around.which(name)
    if program is None:
        return None
    code, _ = _run(around, [program, *arguments])
    trusts = {_TRUSTED: True, _UNTRUSTED: False}.get(code)
    return RuntimeFacts(name, trusts, "request", f"unset {variable} && {_AGAIN}")


def _git(around: Surroundings) -> RuntimeFacts | None:
    program = around.which("git")
    if program is None:
        return None
    named = around.environ.get("GIT_SSL_CAINFO", "")
    if not named:
        _, said = _run(around, [program, "config", "--get", "http.sslCAInfo"])
        named = said.strip()
    trusts = holds(Path(named).expanduser() if named else _SYSTEM_BUNDLE, around.ca_pem)
    return RuntimeFacts("git", trusts, "settings", _AGAIN)


def _java(around: Surroundings) -> RuntimeFacts | None:
    """Java reads none of the usual variables: its own key store has to have the CA."""
    keytool = around.which("keytool")
    if around.which("java") is None or keytool is None:
        return None
    named = _TRUST_STORE.search(around.environ.get("JAVA_TOOL_OPTIONS", ""))
    store = ["-keystore", named.group(1)] if named else ["-cacerts"]
    code, said = _run(around, [keytool, "-list", *store, "-storepass", "changeit"])
    trusts = None if code or not around.ca_pem else _fingerprint(around.ca_pem) in said
    remedy = "keytool -importcert -cacerts -storepass changeit -noprompt -alias vault-tui -file "
    ca = around.environ.get("NODE_EXTRA_CA_CERTS", "ca.pem")
    return RuntimeFacts("java", trusts, "settings", remedy + ca, optional=True)


def _fingerprint(ca_pem: str) -> str:
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca_pem)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _run(around: Surroundings, command: Sequence[str]) -> tuple[int, str]:
    """Exit status and standard output; 124 when it takes too long, 127 when it cannot be run."""
    try:
        done = subprocess.run(  # noqa: S603 - programs of this environment's own PATH
            command,
            env=dict(around.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124, ""
    except OSError:
        return 127, ""
    return done.returncode, done.stdout
