"""Passwords cost here what they cost users."""

from collections.abc import Iterator

import pytest

from tests.derivation import in_earnest


@pytest.fixture(autouse=True, scope="module")
def _in_earnest() -> Iterator[None]:
    with in_earnest():
        yield
