"""The worker, with a probe: on SIGUSR1 it writes down what it holds.

`python -m benchmarks.soak.probed_worker OPTIONS…`; SOAK_PROBE names the file. A worker keeps other
processes of its user from looking into it, so its descriptors have to be counted from within.
"""

import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import ClassVar

from proxy_core.worker.__main__ import main

_MALLINFO = (
    *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
    *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
)
_WATCHED = ("proxy_core.mitm.", "proxy_core.services.holds", "ssl")


def descriptors() -> dict[str, int]:
    """Open descriptors by what they lead to: `socket`, `pipe`, `anon_inode`, `database`, `file`."""
    kinds: Counter[str] = Counter()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:  # the one that lists the directory
            continue
        kinds[_kind(target)] += 1
    return dict(kinds)


def _kind(target: str) -> str:
    if not target.startswith("/"):
        return target.partition(":")[0]
    return "database" if Path(target).name.startswith("vault.db") else "file"


class _MallInfo(ctypes.Structure):
    """`struct mallinfo2` of glibc."""

    _fields_: ClassVar = [(name, ctypes.c_size_t) for name in _MALLINFO]


def native_bytes() -> int:
    """Bytes that C code (OpenSSL, SQLite, large Python objects) holds, free space left out."""
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = _MallInfo
    found = mallinfo2()
    return int(found.uordblks + found.hblkhd)


def holdings() -> dict[str, object]:
    """Tasks, descriptors, threads, memory in use, and live objects of the data path by class."""
    gc.collect()
    live = Counter(
        f"{type(one).__module__}.{type(one).__qualname__}"
        for one in gc.get_objects()
        if type(one).__module__.startswith(_WATCHED)
    )
    tasks = asyncio.all_tasks(asyncio.get_running_loop())
    return {
        "tasks": dict(Counter(getattr(task.get_coro(), "__qualname__", "?") for task in tasks)),
        "descriptors": descriptors(),
        "threads": threading.active_count(),
        "objects": dict(live),
        "blocks": sys.getallocatedblocks(),
        "native": native_bytes(),
    }


def probe(path: Path) -> None:
    """Answer SIGUSR1 with the holdings, in one piece."""

    def tell(_number: int, _frame: object) -> None:
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(holdings()))
        draft.replace(path)

    signal.signal(signal.SIGUSR1, tell)


if __name__ == "__main__":
    probe(Path(os.environ["SOAK_PROBE"]))
    sys.exit(main())
