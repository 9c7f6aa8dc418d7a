"""Answers on stdout: tables, key-value blocks and JSON. Text from outside passes display_safe."""

import json
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from proxy_core.base.text import display_safe

_GAP = "  "
_NARROWEST = 6
_STYLES = {"bold": 1, "red": 31, "yellow": 33}


def emit(text: str) -> None:
    """Print one line of ours. What came from outside has passed `safe` before."""
    print(text)


def safe(value: object) -> str:
    """Any value as text that a terminal can show; None and empty become a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(display_safe(str(item)) for item in value) or "-"
    return display_safe(str(value))


def emit_json(value: Any) -> None:
    """Print a wire struct (or plain values) as indented, pure ASCII JSON."""
    emit(json.dumps(msgspec.to_builtins(value), indent=2))


def emit_json_line(value: Any) -> None:
    """Print one value as one line of JSON, and flush it: a reader may be following."""
    emit(json.dumps(msgspec.to_builtins(value), separators=(",", ":")))
    sys.stdout.flush()


def emit_table(headers: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table, or the sentence `empty`. On a terminal it is cut to the terminal's width."""
    cells = [[safe(value) for value in row] for row in rows]
    if not cells:
        print(empty, file=sys.stderr)
        return
    widths = _fitted([max(map(_cells, column)) for column in zip(headers, *cells, strict=True)])
    emit(styled(_line(headers, widths), "bold"))
    for row in cells:
        emit(_line(row, widths))


def emit_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print `name  value` lines with the values aligned."""
    pairs = [(name, safe(value)) for name, value in fields]
    widest = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        emit(f"{name:<{widest}}{_GAP}{value}")


def styled(text: str, style: str) -> str:
    """`text` in one of the styles, if stdout is a terminal and NO_COLOR is not set."""
    if not style or os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [_fit(cell, width) for cell, width in zip(row, widths, strict=True)]
    return _GAP.join(padded).rstrip()


def _fit(text: str, width: int) -> str:
    taken = _cells(text)
    if taken <= width:
        return text + " " * (width - taken)
    kept = ""
    for character in text:
        if _cells(kept + character) > width - 1:
            break
        kept += character
    return kept + "…" + " " * (width - 1 - _cells(kept))


def _fitted(widths: list[int]) -> list[int]:
    """Shrink the widest columns first until the line fits."""
    room = _line_width()
    if room is None:
        return widths
    room -= len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _line_width() -> int | None:
    """Columns of the terminal; None (no limit) when nobody looks."""
    if os.environ.get("COLUMNS", "").isdigit() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def _cells(text: str) -> int:
    """Screen cells that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
