"""Copying to the operator's clipboard through the terminal: OSC 52, or tmux's own buffer."""

import asyncio
import os
from collections.abc import Callable, Mapping

TMUX_SECONDS = 2.0


async def copy(
    text: str, osc52: Callable[[str], None], environ: Mapping[str, str] | None = None
) -> bool:
    """Send `text` to the terminal's clipboard; False when tmux refused it.

    Whether the terminal obeys cannot be known: say "sent to the terminal". `osc52` writes the
    escape sequence. The text goes through a pipe, never through argv.
    """
    env = os.environ if environ is None else environ
    if not env.get("TMUX"):
        osc52(text)
        return True
    return await _load_tmux_buffer(text)


async def _load_tmux_buffer(text: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux",
            "load-buffer",
            "-w",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode()), TMUX_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
    return process.returncode == 0
