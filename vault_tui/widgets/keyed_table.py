"""A short list, changed in place: only rows and cells that differ are touched."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import DataTable
from textual.widgets.data_table import ColumnKey, RowDoesNotExist

Cells = Sequence[Content]


class KeyedTable(DataTable[Content]):
    """`show` brings the table to the given rows; the cursor stays on its key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("j", "cursor_down"),
        ("k", "cursor_up"),
        ("g", "scroll_top"),
        ("G", "scroll_bottom"),
    ]

    class Chosen(Message):
        """The cursor is on another row, or the row has changed."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, show_row_labels=False)
        self._shape: list[tuple[str, str, int]] = []
        self._rows: dict[str, list[Content]] = {}

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        keys = list(self._rows)
        return keys[self.cursor_row] if 0 <= self.cursor_row < len(keys) else None

    def show(self, shape: list[tuple[str, str, int]], rows: dict[str, list[Content]]) -> None:
        """`shape` is (id, title, width) by column. A cell that is cut ends in an ellipsis."""
        widths = [width for _, _, width in shape]
        rows = {key: _fitted(cells, widths) for key, cells in rows.items()}
        if shape == self._shape and list(rows) == list(self._rows):
            self._update(rows)
            return
        here, line = self.key, self.cursor_row
        with self.app.batch_update():
            if shape == self._shape and self._only_appended(rows):
                for key in list(rows)[len(self._rows) :]:
                    self.add_row(*rows[key], key=key)
            else:
                self._rebuild(shape, rows)
            self._rows = dict(rows)
            keys = list(rows)
            if here in rows:
                self.move_cursor(row=keys.index(here))
            elif keys:
                self.move_cursor(row=min(line, len(keys) - 1))
        self.post_message(self.Chosen())

    def _only_appended(self, rows: dict[str, list[Content]]) -> bool:
        before = list(self._rows)
        same = list(rows)[: len(before)] == before
        return same and all(rows[key] == self._rows[key] for key in before)

    def _rebuild(self, shape: list[tuple[str, str, int]], rows: dict[str, list[Content]]) -> None:
        self.clear(columns=True)
        self._shape = shape
        for column, title, width in shape:
            self.add_column(title, width=width, key=column)
        for key, cells in rows.items():
            self.add_row(*cells, key=key)

    def _update(self, rows: dict[str, list[Content]]) -> None:
        changed = False
        with self.app.batch_update():
            for key, cells in rows.items():
                for (column, _, _), old, new in zip(
                    self._shape, self._rows[key], cells, strict=True
                ):
                    if old != new:
                        changed = True
                        self.update_cell(key, ColumnKey(column), new)
        if changed:
            self._rows = dict(rows)
            self.post_message(self.Chosen())

    def select(self, key: str) -> None:
        """Put the cursor on `key`, if it is there."""
        try:
            self.move_cursor(row=self.get_row_index(key))
        except RowDoesNotExist:
            return


def _fitted(cells: Cells, widths: Sequence[int]) -> list[Content]:
    return [cell.truncate(width, ellipsis=True) for cell, width in zip(cells, widths, strict=True)]
