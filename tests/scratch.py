"""Where tests keep their files: in memory where the machine has a file system for that.

Each commit waits for the disk, some thousand times in a run, and nobody wants what was written.
Durability is no less tested: what a killed process wrote, the kernel has either way.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_NEEDED_BYTES = 2 << 30
"""A few hundred megabytes at most are used at a time."""


def use_memory() -> None:
    """Make new temporary files in memory, in this process and those that it starts.

    A `TMPDIR` that was set stays. A container's memory may be small or run no programs.
    """
    if "TMPDIR" in os.environ or not _IN_MEMORY.is_dir() or not os.access(_IN_MEMORY, os.W_OK):
        return
    runs_programs = not os.statvfs(_IN_MEMORY).f_flag & os.ST_NOEXEC
    if runs_programs and shutil.disk_usage(_IN_MEMORY).free >= _NEEDED_BYTES:
        os.environ["TMPDIR"] = str(_IN_MEMORY)
        tempfile.tempdir = None  # it was looked up before


def keep_bytecode() -> None:
    """Compile the product once, not in each of the hundreds of processes that the tests start."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
