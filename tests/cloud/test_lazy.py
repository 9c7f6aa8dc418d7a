"""What signs for AWS is large, and most workers never need it."""

import subprocess
import sys

_SAYS = "import sys; import proxy_core.worker.runtime; print('botocore' in sys.modules)"


def test_a_worker_starts_without_botocore() -> None:
    """It is imported by the first request that is signed."""
    ran = subprocess.run(
        [sys.executable, "-c", _SAYS], capture_output=True, text=True, check=True, timeout=100
    )
    assert ran.stdout.strip() == "False"
