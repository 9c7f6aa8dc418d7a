"""Workers for the tests of this directory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.harness import ThreadedWorker


@pytest.fixture
def fresh_worker(tmp_path: Path) -> Iterator[ThreadedWorker]:
    """A worker that is not set up."""
    worker = ThreadedWorker(tmp_path / "home").start()
    yield worker
    worker.stop()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreadedWorker]:
    """A worker that is set up and open, shared by a module."""
    shared = ThreadedWorker(tmp_path_factory.mktemp("shared") / "home").start()
    shared.init()
    yield shared
    shared.stop()
