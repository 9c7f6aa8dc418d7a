"""Host names that are made to be taken for others."""

from functools import lru_cache

_CONFUSED = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))
_SHORTEST = 5
"""Labels shorter than this resemble each other by chance."""


def is_international(host: str) -> bool:
    """Whether the name holds letters beyond ASCII: it is spelled in A-labels (`xn--`)."""
    return any(label.startswith("xn--") for label in host.split("."))


def resembled(host: str, known: frozenset[str]) -> str:
    """The known host that `host` could be mistaken for; empty when there is none.

    A name within a known domain (`eu.api.example.com` for `example.com`) resembles nothing. What
    counts: characters that look alike, one character more, less or different, a known name with
    another ending (`example.net`), and a known name followed by a foreign domain
    (`api.example.com.evil.net`).
    """
    name = host.removeprefix("*.")
    domains = _domains(known)
    own = _domain(name)
    if own in domains:
        return ""
    for other in domains:
        if f".{other}." in f".{name}." or _alike(own, other):
            return other
    return ""


def are_one_partys(host: str, other: str) -> bool:
    """Whether both are, as far as names tell, of one who has registered them."""
    return _domain(host) == _domain(other)


@lru_cache(maxsize=4)
def _domains(known: frozenset[str]) -> dict[str, None]:
    """In order, each once; a vault is looked at again and again."""
    return dict.fromkeys(sorted({_domain(one.removeprefix("*.")) for one in known}))


def _domain(name: str) -> str:
    """What one party registers, nearly: the last two labels; three under `co.uk` and its like."""
    labels = name.split(".")
    shared = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if shared else -2 :])


def _alike(left: str, right: str) -> bool:
    if _skeleton(left) == _skeleton(right):
        return True
    (mine, _, my_end), (theirs, _, their_end) = left.partition("."), right.partition(".")
    if min(len(mine), len(theirs)) < _SHORTEST:
        return False
    if my_end != their_end:
        return _skeleton(mine) == _skeleton(theirs)
    return _one_apart(mine.replace("-", ""), theirs.replace("-", ""))


@lru_cache(maxsize=4096)
def _skeleton(name: str) -> str:
    for seen, meant in _CONFUSED:
        name = name.replace(seen, meant)
    return name.replace("-", "")


def _one_apart(left: str, right: str) -> bool:
    """Whether one character was added, left out, replaced, or two neighbours swapped."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    swapped = len(a) > 1 and len(b) > 1 and a[:2] == b[1::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped
