"""docs/security.md names a test for each promise, and every test that it names exists."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security.md"
NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")


@cache
def functions(path: str) -> dict[str, str | None]:
    """The docstrings of a module's functions."""
    tree = ast.parse((TESTS / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.name: ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)
    }


def promises() -> list[str]:
    """The page's list items."""
    return re.split(r"^- ", PAGE.read_text(), flags=re.MULTILINE)[1:]


def test_each_promise_names_its_tests() -> None:
    """None without one, and none that names what isn't there."""
    assert len(promises()) > 40
    for promise in promises():
        named = NAMED.findall(promise)
        assert named, promise
        for path, name in named:
            assert name.startswith("test_"), name
            assert functions(path).get(name), f"{path} has no {name}, or it has no docstring"
