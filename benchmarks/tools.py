"""What every benchmark needs: the Go tool, certificates, the upstream, pinned processes."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

ROOT = Path(__file__).resolve().parent.parent
BENCH_BIN = ROOT / ".venv" / "bench" / "bin"
CREDENTIAL = "Bearer real-upstream-credential-0123456789"
PROXY_CORE, LOAD_CORE = 0, (os.cpu_count() or 1) - 1
"""The proxy under test has a core of its own; load and upstream share the other."""

_STARTED = '"started"\n'


def pinned(core: int, command: list[str]) -> list[str]:
    """The command, bound to one core, so that runs can be compared."""
    return ["taskset", "-c", str(core), *command]


def build_tool(directory: Path) -> Path:
    """Compile the Go program that makes load, serves the upstream and stands for a Go proxy."""
    binary = directory / "gobench"
    environment = os.environ | {
        "PATH": f"{BENCH_BIN}:{os.environ['PATH']}",
        "GOCACHE": str(ROOT / ".venv" / "bench" / "gocache"),
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false",
    }
    source = ROOT / "benchmarks" / "gobench"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=source, env=environment, check=True)
    return binary


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the upstream's CA and certificate, and a root for the Go proxy."""

    upstream_ca: Path
    upstream_cert: Path
    upstream_key: Path
    proxy_root: Path
    proxy_root_key: Path


def make_certificates(directory: Path) -> Certificates:
    """Throw-away certificates for `localhost` and `*.bench.test`."""
    upstream, proxy = trustme.CA(), trustme.CA()
    leaf = upstream.issue_cert("localhost", "127.0.0.1", "*.bench.test")
    files = Certificates(*(directory / name for name in ("uca", "ucert", "ukey", "pca", "pkey")))
    upstream.cert_pem.write_to_path(str(files.upstream_ca))
    files.upstream_cert.write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(files.upstream_key))
    proxy.cert_pem.write_to_path(str(files.proxy_root))
    proxy.private_key_pem.write_to_path(str(files.proxy_root_key))
    return files


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that prints `ready …` when it serves: the process and that line."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            if not line.startswith("ready"):
                raise RuntimeError(f"{command[0]} did not start: {line!r}")
            yield process, line
        finally:
            process.terminate()


def load_command(tool: Path, arguments: dict[str, object]) -> list[str]:
    """One run of the load generator."""
    flags = [f"-{name}={value}" for name, value in arguments.items()]
    return pinned(LOAD_CORE, [str(tool), "load", *flags])


def load(
    tool: Path, arguments: dict[str, object], on_start: Callable[[], None] = lambda: None
) -> dict[str, float]:
    """The figures of one run. `on_start` is called when all connections that there will be stand.

    Raises RuntimeError with what the generator said when it failed.
    """
    command = load_command(tool, arguments)
    last = ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for last in process.stdout:
            if last == _STARTED:
                on_start()
        problem = process.stderr.read().strip()
    if process.returncode:
        raise RuntimeError(problem or f"load failed with {process.returncode}")
    figures: dict[str, float] = json.loads(last)
    return figures


def resident_mib(pid: int) -> float:
    """Resident memory of a process, without its children."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def processor_seconds(pid: int) -> float:
    """User and system time that a process has used, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
