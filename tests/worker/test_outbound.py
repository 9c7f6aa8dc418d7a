"""Where a browser of this machine reaches the API."""

import pytest

from proxy_core.worker.outbound import callback_uri


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
