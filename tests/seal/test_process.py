"""Hardening of the process, looked at from inside a real one."""

import subprocess
import sys


def test_a_hardened_process_leaves_no_core_and_no_memory_to_read() -> None:
    """After hardening the core limit is zero and the kernel says: not dumpable."""
    program = (
        "import ctypes, resource;"
        "from proxy_core.seal import harden_process;"
        "assert harden_process();"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout.strip() == "(0, 0) 0"
