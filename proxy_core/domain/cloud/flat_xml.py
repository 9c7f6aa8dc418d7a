"""Small XML documents of hostile origin, as the texts of their leaves.

A document type is refused where it begins, and with it every entity that could grow or fetch
something; names and leaves are counted, since each leaf's path repeats the names above it. Written
on expat itself, since this is all that is needed of the parsers that build trees.
"""

from collections.abc import Mapping
from typing import Any, Final
from xml.parsers import expat

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
MAX_NAME: Final = 128
MAX_LEAVES: Final = 256


def leaves(document: bytes) -> Mapping[str, str]:
    """Texts by path, such as `ErrorResponse/Error/Code`, trimmed; namespaces are left out.

    Raises ValueError, without a word of the document, for what is no XML, larger than 64 KiB,
    deeper than 16, has a document type, names of more than 128 characters, more than 256 leaves, or
    two leaves in one place.
    """
    if len(document) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    reading = _Leaves()
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reading.doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        problem = f"no XML ({expat.ErrorString(error.code)})"
    else:
        return reading.found
    # Raised outside of the handler: nothing of the document goes along.
    raise ValueError(problem)


class _Leaves:
    """What the parser tells."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._is_leaf = False

    def doctype(self, *_: Any) -> None:
        raise ValueError("a document type")

    def start(self, name: str, _attributes: Any) -> None:
        if len(self._path) == MAX_DEPTH:
            raise ValueError(f"deeper than {MAX_DEPTH}")
        if len(name) > MAX_NAME:
            raise ValueError(f"a name longer than {MAX_NAME}")
        self._path.append(name.rpartition(":")[2])
        self._text.clear()
        self._is_leaf = True

    def text(self, data: str) -> None:
        self._text.append(data)

    def end(self, _name: str) -> None:
        path = "/".join(self._path)
        if self._is_leaf:
            if path in self.found:
                raise ValueError("two leaves in one place")
            if len(self.found) == MAX_LEAVES:
                raise ValueError(f"more than {MAX_LEAVES} leaves")
            self.found[path] = "".join(self._text).strip()
        self._path.pop()
        self._text.clear()
        self._is_leaf = False
