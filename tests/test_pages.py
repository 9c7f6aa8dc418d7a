"""What docs/ says of errors, settings and decisions is what there is."""

import pytest

from tests.pages import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_there_is(name: str) -> None:
    """No code, setting or decision is missing there, none has gone, and none reads otherwise."""
    said = (DOCS / name).read_text()
    assert said == PAGES[name](), "`python -m tests.pages` writes it anew"
