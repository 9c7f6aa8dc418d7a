"""The OpenID provider that these tests connect to: oidc-provider, which runs on Node.js."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_HERE = Path(__file__).parent / "provider"


def _missing(reason: str) -> None:
    """Skip, and fail where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """The issuer's URL."""
    with provider("server.mjs") as url:
        yield url


@contextmanager
def provider(script: str) -> Iterator[str]:
    """The URL of a provider that one of the scripts runs."""
    node = shutil.which("node")
    if node is None:
        _missing("Node.js is not installed (apt-get install nodejs npm)")
    if not (_HERE / "node_modules" / "oidc-provider").is_dir():
        _missing("oidc-provider is not installed (npm ci in tests/oauth/provider)")
    process = subprocess.Popen(
        [str(node), script],
        cwd=_HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(10)
