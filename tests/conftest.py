"""Fixtures that every test may ask for, and a process session that the worker can tell apart."""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.contexts import share_upstream_contexts
from tests.derivation import derive_quickly
from tests.oauth.issuer import issuer
from tests.postgres import empty_postgres_url, postgres_server, postgres_url
from tests.scratch import keep_bytecode, use_memory
from tests.sessions import has_leader
from tests.statements import share_compiled_statements

__all__ = ["empty_postgres_url", "issuer", "postgres_server", "postgres_url"]

use_memory()
keep_bytecode()
derive_quickly()
share_upstream_contexts()
share_compiled_statements()
# How long an example takes says more of the machine's load than of the code.
settings.register_profile(
    "patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Lead a session of our own: operator sessions are a terminal's, and that may have none.

    So it is below a daemon, or in a pid namespace whose shell came from outside. A worker of
    pytest-xdist always leads one, for the leader it was born with may end during the tests; a
    pytest that was started by hand keeps its terminal.
    """
    is_worker = hasattr(config, "workerinput")
    if not is_worker and (has_leader() or config.getoption("numprocesses", None)):
        return
    if os.getsid(0) == os.getpid():
        return
    try:
        os.setsid()
    except PermissionError:
        raise pytest.UsageError(
            "The leader of this process's session has ended or cannot be seen, and the tests "
            "cannot lead one of their own: start them with `setsid --wait` or `-n 2`."
        ) from None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let the tests of an `xdist_group` run in one process: put the group behind each one's id.

    There the controller looks for it. pytest-xdist 3.8 itself would write it to an attribute that
    pytest 9.2 has no longer, and no test would be in any group.
    """
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        group = next((str(mark.args[0]) for mark in item.iter_markers("xdist_group")), "")
        if group and not item.nodeid.endswith(f"@{group}"):
            item._id = type(item._id).parse(f"{item.nodeid}@{group}")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector what stays for the whole run: modules, tests and fixtures.

    With all of that to be walked, collections took a third of the time of starting a worker.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
