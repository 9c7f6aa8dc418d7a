"""The columns of the traffic table at a given width, and a row's pieces in them."""

from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from proxy_core.base.text import display_safe
from vault_tui.strings import common as strings
from vault_tui.strings import traffic as strings_traffic
from vault_tui.traffic.reading import (
    address,
    clock,
    duration,
    size,
    status_text,
    status_tone,
    verdict,
)
from vault_tui.traffic.ring import Row

Piece = tuple[str, str]
"""Text and tone; `+bold` may follow the tone's name."""

# (id, width, smallest table width at which it appears); the address takes what is left.
_COLUMNS: tuple[tuple[str, int, int], ...] = (
    ("time", 8, 0),
    ("agent", 9, 0),
    ("method", 6, 0),
    ("address", 0, 0),
    ("service", 11, 0),
    ("keys", 14, 112),
    ("account", 8, 130),
    ("status", 3, 0),
    ("latency", 6, 0),
    ("size", 7, 96),
    ("reason", 30, 170),
)
# How wide these may become when their text asks for it and the address has enough.
_LARGEST = {"agent": 20, "service": 24, "keys": 34, "account": 16, "reason": 60}
_ADDRESS_SHARE = 0.28
_ADDRESS_LEAST = 30
_RIGHT = frozenset({"status", "latency", "size"})
_WIDE_GAP_FROM = 140

Wants = dict[str, int]
"""Cells that the longest text of a column takes."""


@dataclass(frozen=True, slots=True)
class Column:
    """`gap` is the space after it."""

    id: str
    title: str
    width: int
    gap: str
    right: bool


def wants_of(row: Row) -> Wants:
    """The cells that a row's text takes in the columns that can grow."""
    record = row.record
    return {
        "agent": len(record.actor_name),
        "service": len(record.matched_service) + 2,
        "keys": sum(map(len, record.credential_keys)) + max(len(record.credential_keys) - 1, 0),
        "account": len(record.account),
        "reason": len(record.reason),
    }


def columns_for(width: int, wants: Wants) -> list[Column]:
    """The columns that fit into `width` cells, three of them kept for pointer and scroll bar."""
    sizes = {name: cells for name, cells, least in _COLUMNS if width >= least}
    gap = 2 if width >= _WIDE_GAP_FROM else 1
    room = width - sum(sizes.values()) - gap * (len(sizes) - 1) - 3
    spare = room - max(int(width * _ADDRESS_SHARE), _ADDRESS_LEAST)
    needs = {
        name: min(wants.get(name, 0), most) - sizes[name]
        for name, most in _LARGEST.items()
        if name in sizes
    }
    for name, extra in _shared_out(spare, needs).items():
        sizes[name] += extra
        room -= extra
    sizes["address"] = max(room, 8)
    last = next(reversed(sizes))
    return [
        Column(
            name,
            strings_traffic.TRAFFIC_COLUMNS[name],
            cells,
            "" if name == last else " " * gap,
            name in _RIGHT,
        )
        for name, cells in sizes.items()
    ]


def _shared_out(spare: int, needs: Wants) -> Wants:
    """`spare` cells, given one at a time to whoever still needs one."""
    given = dict.fromkeys(needs, 0)
    while spare > 0:
        wanting = [name for name in needs if given[name] < needs[name]][:spare]
        if not wanting:
            break
        for name in wanting:
            given[name] += 1
        spare -= len(wanting)
    return given


def fit(text: str, width: int) -> str:
    """`text`, safe, in exactly `width` cells; an ellipsis shows that it was cut."""
    safe = display_safe(text, width + 1)
    if cell_len(safe) > width:
        safe = set_cell_size(safe, max(width - 1, 0)).rstrip() + "…"
    return set_cell_size(safe, width)


def row_pieces(row: Row, columns: list[Column], pointer: bool) -> list[Piece]:
    """The row's text, column by column."""
    edge = "▸" if pointer else " "
    pieces: list[Piece] = [(edge, "accent+bold"), ("◆" if row.marked else " ", "accent")]
    for column in columns:
        pieces += _cell(row, column)
        if column.gap:
            pieces.append((column.gap, "text"))
    return pieces


def _cell(row: Row, column: Column) -> list[Piece]:
    if column.id == "address":
        return _address(row, column.width)
    if column.id == "service":
        return _service(row, column.width)
    text, tone = _plain(row, column.id)
    cell = fit(text, column.width)
    if column.right:
        cell = cell.rstrip().rjust(column.width)
    return [(cell, tone)]


def _plain(row: Row, column: str) -> Piece:
    record = row.record
    if column == "time":
        return clock(record.started_at), "faint"
    if column == "agent":
        return record.actor_name or strings.NOBODY, "muted"
    if column == "method":
        return record.method, "text+bold" if record.method not in {"GET", "HEAD"} else "muted"
    if column == "keys":
        return " ".join(record.credential_keys), "muted"
    if column == "account":
        return record.account, "muted"
    if column == "status":
        return status_text(row), status_tone(row)
    if column == "latency":
        return duration(record.latency_ms).replace(" ", ""), "muted"
    if column == "size":
        return ("" if row.live else size(record.bytes_down)), "faint"
    return record.reason, "faint"


def _service(row: Row, width: int) -> list[Piece]:
    found = verdict(row)
    return [(f"{found.glyph} ", found.tone), (fit(found.word, width - 2), _word_tone(found.tone))]


def _word_tone(tone: str) -> str:
    return tone if tone in {"error", "warning"} else "text"


def _address(row: Row, width: int) -> list[Piece]:
    host, path = address(row.record)
    safe_host = display_safe(host, width)
    if cell_len(safe_host) >= width:
        return [(fit(host, width), "text")]
    return [(safe_host, "text"), (fit(path, width - cell_len(safe_host)), "muted")]
