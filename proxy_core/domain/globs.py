"""Path globs: `*` stands for any characters, slashes included; everything else for itself."""

from dataclasses import dataclass

MAX_GLOB = 256


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled glob. `literal` is what stands before the first `*`; `tail` the rest, in parts.

    An empty `tail` means that the glob holds no `*` and matches one path only. Matching costs time
    linear in the path for each part; it never backtracks.
    """

    literal: str
    tail: tuple[str, ...] = ()

    @property
    def is_prefix(self) -> bool:
        """Whether the glob is `literal*`: it matches whatever begins with the literal."""
        return self.tail == ("",)

    def matches(self, path: str) -> bool:
        """Whether the whole path fits."""
        if not self.tail:
            return path == self.literal
        return path.startswith(self.literal) and self.tail_matches(path)

    def tail_matches(self, path: str) -> bool:
        """Whether what follows the literal fits, for a path known to begin with the literal."""
        *middles, last = self.tail
        position = len(self.literal)
        for part in middles:
            found = path.find(part, position)
            if found < 0:
                return False
            position = found + len(part)
        return len(path) - position >= len(last) and path.endswith(last)


EVERYTHING = Glob("", ("",))


def compile_glob(pattern: str) -> Glob:
    """The compiled form of a validated pattern; an empty pattern matches every path."""
    if not pattern:
        return EVERYTHING
    literal, *tail = pattern.split("*")
    return Glob(literal, tuple(tail))
