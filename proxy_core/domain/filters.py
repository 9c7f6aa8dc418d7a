"""The filter language over request records: parsing, matching, canonical text."""

from typing import Protocol

from proxy_core.domain.traffic import RequestRecord


class FilterError(ValueError):
    """`message` says what is wrong, `column` (from 0) where."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message} (column {column + 1})")
        self.message = message
        self.column = column


class Filter(Protocol):
    """Any node of the tree; `str()` gives the canonical text."""

    def matches(self, record: RequestRecord) -> bool:
        """Whether the record passes."""


def parse_filter(text: str) -> Filter:
    """The filter that `text` describes; an empty text passes everything. Raises FilterError."""
    raise NotImplementedError
