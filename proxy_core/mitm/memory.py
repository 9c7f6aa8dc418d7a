"""A bound on the request bodies that are held in memory, over all requests of a server."""


class Memory:
    """Bytes held now, by whoever has a share."""

    def __init__(self) -> None:
        self.used = 0


class Share:
    """One request's part of `memory`: at most `own` bytes, and `total` with everybody's."""

    def __init__(self, memory: Memory, own: int, total: int) -> None:
        self._memory = memory
        self._own = own
        self._total = total
        self._size = 0

    def grow(self, size: int) -> bool:
        """Count `size` bytes more; False, and nothing counted, when that is too much."""
        if self._size + size > self._own or self._memory.used + size > self._total:
            return False
        self._size += size
        self._memory.used += size
        return True

    def release(self) -> None:
        """Nothing is held any more. Safe to call twice."""
        self._memory.used -= self._size
        self._size = 0
