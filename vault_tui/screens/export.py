"""Writing the shown requests to a file."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vault_tui.preferences import write_private
from vault_tui.screens.ask import AskText
from vault_tui.state import Level
from vault_tui.strings import traffic as strings_traffic
from vault_tui.traffic.copies import har, json_lines
from vault_tui.traffic.ring import Row

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


async def export_rows(console: "ConsoleApp", rows: Sequence[Row]) -> None:
    """Ask for a name, then write `rows` as JSON lines, or as HAR for a name ending in `.har`."""
    title = strings_traffic.EXPORT_TITLE.format(count=len(rows))
    suggested = str(Path.cwd() / "traffic.jsonl")
    name = await console.push_screen_wait(
        AskText(title, strings_traffic.EXPORT_TEXT, suggested, _problem)
    )
    if not name:
        return
    path, records = _path(name), [row.record for row in rows]
    status = console.state.status
    version = status.version if status is not None else ""
    data = har(records, version) if path.suffix == ".har" else json_lines(records)
    try:
        await asyncio.to_thread(write_private, path, data)
    except OSError as error:
        console.notice(strings_traffic.NOT_WRITTEN.format(path=path, why=error), Level.ERROR)
    else:
        console.notice(strings_traffic.WRITTEN.format(path=path, count=len(rows)), Level.GOOD)


def _path(name: str) -> Path:
    return Path(name.strip()).expanduser()


def _problem(text: str) -> str | None:
    if not text.strip():
        return strings_traffic.EXPORT_NAME
    path = _path(text)
    if path.exists():
        return strings_traffic.EXPORT_EXISTS.format(path=path)
    return (
        None
        if path.parent.is_dir()
        else strings_traffic.EXPORT_NO_DIRECTORY.format(path=path.parent)
    )
