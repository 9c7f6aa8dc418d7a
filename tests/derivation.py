"""Keys made of passwords at next to no cost, in the processes of the tests themselves.

Slots and hashes keep the product's parameters, and all that is checked of them is checked: only
the derivation is done with others. What it costs in earnest is tested in `tests/seal`, and pays in
every process that the tests start: those open nothing that was set up here, and the reverse. Where
both are to open one vault, the test derives `in_earnest`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from proxy_core.seal import password_hash, password_slot

_DERIVING: Final = (password_hash, password_slot)


class _Quick:
    """Stands for Argon2id; another cost gives another key."""

    def __init__(self, *, salt: bytes, length: int, **cost: int) -> None:
        asked = repr(sorted(cost.items())).encode()
        self._least: Any = Argon2id(
            salt=salt, length=length, iterations=1, lanes=1, memory_cost=8, ad=asked
        )

    def derive(self, password: bytes) -> bytes:
        derived: bytes = self._least.derive(password)
        return derived


def derive_quickly() -> None:
    """From now on, in this process."""
    _derive_with(_Quick)


@contextmanager
def in_earnest() -> Iterator[None]:
    """Derive as the product does, as long as this lasts."""
    _derive_with(Argon2id)
    try:
        yield
    finally:
        derive_quickly()


def _derive_with(kind: type) -> None:
    for module in _DERIVING:
        module.Argon2id = kind  # type: ignore[attr-defined]
