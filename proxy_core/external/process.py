"""One run of a program: no shell, no input, its own process group, bounded in time and output.

A run ends when the program has ended and its output is closed. Whatever is left of its process
group then is killed, and all of it when the time is over or the output too long.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MAX_COMPLAINT: Final = 4096
"""Bytes of standard error that are kept: the last ones."""
_CHUNK: Final = 16 * 1024


class RunError(Exception):
    """A run without result. The text says why and holds nothing that the program printed.

    `complaint` is the end of what it wrote to standard error: not redacted.
    """

    def __init__(self, text: str, complaint: bytes = b"") -> None:
        super().__init__(text)
        self.complaint = complaint


@dataclass(frozen=True, slots=True)
class Program:
    """`executable` is run, with `argv` as its own idea of its name and arguments."""

    executable: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)


async def run(program: Program, *, seconds: float, max_output: int) -> bytes:
    """What it printed. Raises RunError: not started, failed, too slow, too much."""
    try:
        process = await asyncio.create_subprocess_exec(
            *program.argv,
            executable=program.executable,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(program.environment),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise RunError(f"it can't be started ({os.strerror(error.errno or 0)})") from None
    complaint = bytearray()
    try:
        async with asyncio.timeout(seconds):
            return await _finish(process, max_output, complaint)
    except TimeoutError:
        text = f"it took longer than {seconds:g} seconds"
        raise RunError(text, bytes(complaint)) from None
    finally:
        await _end(process)


async def _finish(
    process: asyncio.subprocess.Process, max_output: int, complaint: bytearray
) -> bytes:
    assert process.stdout is not None
    assert process.stderr is not None
    listening = asyncio.ensure_future(_listen(process.stderr, complaint))
    try:
        output = await _read(process.stdout, max_output, complaint)
        await listening
    finally:
        listening.cancel()
    status = await process.wait()
    if status != 0:
        how = f"it was ended by signal {-status}" if status < 0 else f"its exit status is {status}"
        raise RunError(how, bytes(complaint))
    return output


async def _read(stream: asyncio.StreamReader, most: int, complaint: bytearray) -> bytes:
    output = bytearray()
    while chunk := await stream.read(_CHUNK):
        output += chunk
        if len(output) > most:
            raise RunError(f"it printed more than {most // 1024} KiB", bytes(complaint))
    return bytes(output)


async def _listen(stream: asyncio.StreamReader, complaint: bytearray) -> None:
    while chunk := await stream.read(_CHUNK):
        complaint += chunk
        del complaint[:-MAX_COMPLAINT]


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill what is left of the group; a leader that has been waited for leaves its number."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # A process that left the group may hold the pipes open: this end is closed all the same.
    transport = process._transport  # type: ignore[attr-defined]  # asyncio offers no other way
    transport.close()
    with contextlib.suppress(ProcessLookupError):
        await asyncio.shield(process.wait())
