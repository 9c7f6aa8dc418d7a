"""Bytes in text files, one value a line, escaped as in Python: read by people, exact for tests.

Lines that begin with `#` are for people; `[name]` begins a table; `<empty>` is the empty value.
"""

from pathlib import Path


def unescaped(line: str) -> bytes:
    """The value of one line."""
    return b"" if line == "<empty>" else line.encode().decode("unicode_escape").encode("latin-1")


def values(path: Path) -> list[bytes]:
    """All values of a file without tables."""
    return tables(path)[""]


def tables(path: Path) -> dict[str, list[bytes]]:
    """The values of each table, by its name; those before any are under the empty name."""
    found: dict[str, list[bytes]] = {"": []}
    name = ""
    for line in path.read_text("ascii").splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            found[name] = []
        elif line and not line.startswith("#"):
            found[name].append(unescaped(line))
    return found
