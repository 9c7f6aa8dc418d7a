"""Taking request targets apart."""

import pytest

from proxy_core.mitm.http1 import Target, TargetForm, split_target

ORIGIN, ABSOLUTE = TargetForm.ORIGIN, TargetForm.ABSOLUTE


@pytest.mark.parametrize(
    ("method", "target", "expected", "origin_form"),
    [
        (b"GET", b"/", Target(ORIGIN, path=b"/"), b"/"),
        (b"GET", b"/a?b?c", Target(ORIGIN, path=b"/a", query=b"b?c"), b"/a?b?c"),
        (b"GET", b"/a?", Target(ORIGIN, path=b"/a", query=b""), b"/a?"),
        (
            b"GET",
            b"//evil.example/x",
            Target(ORIGIN, path=b"//evil.example/x"),
            b"//evil.example/x",
        ),
        (
            b"GET",
            b"HTTP://A.example:81/x/y?q",
            Target(ABSOLUTE, b"http", b"A.example:81", b"/x/y", b"q"),
            b"/x/y?q",
        ),
        (b"GET", b"http://a.example", Target(ABSOLUTE, b"http", b"a.example", b"/"), b"/"),
        (
            b"GET",
            b"http://a.example?q",
            Target(ABSOLUTE, b"http", b"a.example", b"/", b"q"),
            b"/?q",
        ),
        (
            b"GET",
            b"https://[2001:db8::1]:443/",
            Target(ABSOLUTE, b"https", b"[2001:db8::1]:443", b"/"),
            b"/",
        ),
        (b"OPTIONS", b"*", Target(TargetForm.ASTERISK, path=b"*"), b"*"),
        (b"OPTIONS", b"http://a.example", Target(ABSOLUTE, b"http", b"a.example", b"*"), b"*"),
        (b"OPTIONS", b"http://a.example/", Target(ABSOLUTE, b"http", b"a.example", b"/"), b"/"),
    ],
)
def test_forms(method: bytes, target: bytes, expected: Target, origin_form: bytes) -> None:
    """Each form gives its parts, and what an origin server gets to see of it."""
    split = split_target(method, target)
    assert split == expected
    assert split.origin_form == origin_form


def test_connect_names_an_authority() -> None:
    """The one form that CONNECT has."""
    split = split_target(b"CONNECT", b"a.example:443")
    assert split == Target(TargetForm.AUTHORITY, authority=b"a.example:443")
