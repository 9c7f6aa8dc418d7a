"""What the worker asks by itself, and where a browser of this machine reaches its API."""

from pathlib import Path

import pytest

from proxy_core.base.paths import Home
from proxy_core.domain.oauth import TokenError
from proxy_core.mitm.guard import Guard
from proxy_core.worker.config import WorkerConfig
from proxy_core.worker.outbound import callback_uri, issuer_http


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("127.0.0.1", "http://127.0.0.1:14321/v1/oauth/callback"),
        ("0.0.0.0", "http://127.0.0.1:14321/v1/oauth/callback"),
        ("::1", "http://[::1]:14321/v1/oauth/callback"),
        ("::", "http://[::1]:14321/v1/oauth/callback"),
        ("192.0.2.7", ""),
        ("127.0.0.2", ""),
    ],
)
def test_the_callback(host: str, uri: str) -> None:
    """On loopback, whatever the API listens on; nowhere where it doesn't listen there."""
    assert callback_uri(host, 14321) == uri


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:1/keys", "http_refused"),
        ("https://127.0.0.1:1/keys", "address_blocked"),
        ("https://10.0.0.1/keys", "address_blocked"),
        ("https://[fd00::1]/keys", "address_blocked"),
        ("https://169.254.169.254/keys", "address_blocked"),
    ],
)
async def test_issuers_keys_are_behind_the_guard(tmp_path: Path, url: str, code: str) -> None:
    """Whoever may name an issuer reaches nothing private by it."""
    http = issuer_http(WorkerConfig(home=Home(tmp_path)), Guard())
    with pytest.raises(TokenError) as caught:
        await http.get(url, {})
    assert caught.value.code == code
