"""Workers for the tests of this directory."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.derivation import in_earnest
from tests.worker.harness import ThreadedWorker, WorkerProcess


@pytest.fixture(autouse=True)
def _no_worker_is_left() -> Iterator[None]:
    """Whatever else failed: a worker that died in the middle is named, with its last words."""
    yield
    WorkerProcess.end_all()


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


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def set_up_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose vault is set up, to be copied; no worker runs in it."""
    home = tmp_path_factory.mktemp("set-up") / "home"
    with in_earnest():
        worker = ThreadedWorker(home).start()
        worker.init()
        worker.stop()
    return home


@pytest.fixture
def initialised_home(home: Path, set_up_home: Path) -> Iterator[Path]:
    """A home whose vault opens with the harness's password, here and in processes of their own."""
    shutil.copytree(set_up_home, home)
    with in_earnest():
        yield home
