"""Placeholders become secrets on the declared surfaces."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.exchange import SecretSubstitution
from proxy_core.domain.service import Surface
from proxy_core.domain.substitution import (
    substitute_header_value,
    substitute_path,
    substitute_query,
)

EVERYWHERE = frozenset({Surface.PATH, Surface.QUERY, Surface.HEADER})
ALL = [substitute_path, substitute_query, substitute_header_value]


def one(value: bytes, placeholder: bytes = b"__k__") -> list[SecretSubstitution]:
    """A substitution on every surface."""
    return [SecretSubstitution(placeholder, value, EVERYWHERE)]


def test_each_surface_encodes_in_its_own_way() -> None:
    """A token's colon stays in a path; a query escapes it; a header takes it as it is."""
    secret = one(b"12:a/b c")
    assert substitute_path(b"/bot__k__/me", secret) == b"/bot12:a%2Fb%20c/me"
    assert substitute_query(b"a=__k__&b=__k__", secret) == b"a=12%3Aa%2Fb%20c&b=12%3Aa%2Fb%20c"
    assert substitute_header_value(b"Key __k__", secret) == b"Key 12:a/b c"


def test_undeclared_surfaces_are_left_alone() -> None:
    """An agent cannot coax the secret into another part of the request."""
    header_only = [SecretSubstitution(b"__k__", b"v", frozenset({Surface.HEADER}))]
    assert substitute_path(b"/__k__", header_only) == b"/__k__"
    assert substitute_query(b"k=__k__", header_only) == b"k=__k__"
    query_only = [SecretSubstitution(b"__k__", b"v", frozenset({Surface.QUERY}))]
    assert substitute_header_value(b"__k__", query_only) == b"__k__"


def test_placeholders_are_case_sensitive() -> None:
    """The exact text, or nothing."""
    assert substitute_path(b"/__K__", one(b"v")) == b"/__K__"


def test_a_secret_is_not_searched_for_placeholders() -> None:
    """One pass: a value that looks like a placeholder stays itself; the longest name wins."""
    both = one(b"__b__", b"__a__") + one(b"x", b"__b__")
    assert substitute_query(b"__a__.__b__", both) == b"__b__.x"
    nested = one(b"short", b"~key") + one(b"long", b"~key~two")
    assert substitute_query(b"~key~two ~key", nested) == b"long short"


@pytest.mark.parametrize("substitute", ALL)
@pytest.mark.parametrize("value", [b"a\r\nb", b"a\nb", b"a\x00b", b"\x1b"])
def test_line_breaks_and_controls_are_refused(
    substitute: Callable[[bytes, list[SecretSubstitution]], bytes], value: bytes
) -> None:
    """On every surface, without the value in the error."""
    with pytest.raises(VaultError) as caught:
        substitute(b"/__k__", one(value))
    assert caught.value.code == "substitution_invalid"
    assert caught.value.__context__ is None


@pytest.mark.parametrize("substitute", ALL)
def test_many_mentions_of_a_long_secret_are_refused(
    substitute: Callable[[bytes, list[SecretSubstitution]], bytes],
) -> None:
    """A head of 64 KiB could otherwise grow to a gigabyte."""
    assert len(substitute(b"/__k__", one(b"v" * 65536))) == 65537
    with pytest.raises(VaultError) as caught:
        substitute(b"/__k__" * 100, one(b"v" * 65536))
    assert caught.value.code == "headers_too_large"


@pytest.mark.parametrize("value", [b".", b"..", b"..;x"])
def test_a_value_cannot_become_a_dot_segment(value: bytes) -> None:
    """`..` would remove the segment before it."""
    with pytest.raises(VaultError, match="leads") as caught:
        substitute_path(b"/a/__k__/b", one(value))
    assert caught.value.__context__ is None


def test_a_header_value_outside_latin_1_is_refused() -> None:
    """It has no bytes in a header."""
    assert substitute_header_value(b"__k__", one("é".encode())) == b"\xe9"
    with pytest.raises(VaultError):
        substitute_header_value(b"__k__", one("€".encode()))


@given(st.binary(max_size=20))
def test_a_value_stays_within_its_segment_and_parameter(value: bytes) -> None:
    """Whatever the secret: no new segment, parameter or fragment, and it decodes to itself."""
    try:
        path = substitute_path(b"/a/x__k__/b", one(value))
        query = substitute_query(b"p=__k__&q=1", one(value))
    except VaultError:
        return
    assert path.count(b"/") == 3
    assert not set(path) & set(b"?#\r\n\x00 \\")
    assert unquote_to_bytes(path.split(b"/")[2]) == b"x" + value
    assert query.count(b"&") == 1
    assert query.count(b"=") == 2
    assert unquote_to_bytes(query[2 : query.index(b"&")]) == value
