"""That the tests of a group run in one process: they share what may be there only once."""

import pytest


@pytest.mark.xdist_group("told")
def test_the_controller_is_told_the_group(request: pytest.FixtureRequest) -> None:
    """It stands behind the id, where pytest-xdist looks for it."""
    distributed = hasattr(request.config, "workerinput")
    assert request.node.nodeid.endswith("@told") is distributed
