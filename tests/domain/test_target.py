"""Request paths: what is refused, and how else they may be read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.target import check_path, is_plain, spellings


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "*",
        "/a/b.c",
        "/.well-known/x",
        "/a/",
        "/@scope%2Fname",
        "/a//b",
        "/a...b",
        "/.../x",
        "/users('id')/$batch",
        "/a;v=1",
        "/%7Euser",
        "/caf%C3%A9",
        "/line%0d%0abreak%7F",
    ],
)
def test_paths_that_clients_send_pass(path: str) -> None:
    """npm's encoded slash, hidden files, matrix parameters and encoded line ends are legal."""
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "/a/../b",
        "/a/.",
        "/..",
        "/a/%2e%2E/b",
        "/.%2e/x",
        "/a%2f..%2fb",
        "/a%5C..%5Cb",
        "/a/..;x/b",
        "/a/.;/b",
        "/a\\b",
        "/a b",
        "/a\nb",
        "/a\x00",
        "/é",
        "/a?b",
        "/a#b",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%00",
        "/a%2500",
        "/..%3bx/",
        "/%252e%252e/x",
        "/a%252f%25252e./b",
    ],
)
def test_paths_that_no_client_needs_are_refused(path: str) -> None:
    """Dot segments in any spelling, backslashes, bare controls, NUL, broken escapes."""
    with pytest.raises(VaultError) as caught:
        check_path(path)
    assert caught.value.code == "bad_request"


def test_other_readings_are_listed() -> None:
    """Decoded, with encoded slashes as slashes, collapsed, and decoded twice."""
    found = spellings("/a%2fb//%7Ec%2561")
    assert {"/a%2Fb//~c%2561", "/a/b/~c%2561", "/a/b//~ca", "/a/b/~ca"} <= set(found)
    assert spellings("/a/b.c") == ()


@given(st.text("/.%2eEfF5Cc~a-;", max_size=24))
def test_plain_paths_have_one_reading(tail: str) -> None:
    """The fast path agrees with the slow one: plain means no other spelling and no complaint."""
    path = "/" + tail
    if is_plain(path):
        check_path(path)
        assert spellings(path) == ()


def test_checking_takes_linear_time() -> None:
    """A long hostile path does not send the pattern into backtracking."""
    before = time.process_time()
    for path in ("/" + "a-" * 30_000 + " ", "/a" * 30_000 + "%", "/" + "." * 60_000 + " "):
        with pytest.raises(VaultError):
            check_path(path)
    assert time.process_time() - before < 1
