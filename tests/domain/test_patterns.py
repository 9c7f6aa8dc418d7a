"""Patterns and the names derived from them."""

import pytest
from hypothesis import given

from proxy_core.domain.names import is_slug
from proxy_core.domain.patterns import auto_name, parse_pattern
from tests.domain import samples


@pytest.mark.parametrize(
    ("host", "path", "name"),
    [
        ("api.stripe.com", "", "api-stripe-com"),
        ("slack.com", "/api/*", "slack-com-api"),
        ("*.github.com", "", "github-com"),
        ("slack.com", "/api/apps.connections.*", "slack-com-api-apps-connections"),
        ("a.example", "/*", "a-example-root"),
        ("t.c", "", "t-c"),
        ("x", "", "x-svc"),
        ("::1", "", "1-svc"),
        ("my_host.example", "/A__b", "my-host-example-a-b"),
    ],
)
def test_a_name_is_derived_from_host_and_literal_path(host: str, path: str, name: str) -> None:
    """Dots and slashes become hyphens, one at a time."""
    assert auto_name(host, path, ()) == name


def test_collisions_are_numbered_within_the_length() -> None:
    """A long name makes room for its number."""
    assert auto_name("a.example", "", {"a-example", "a-example-2"}) == "a-example-3"
    long = auto_name("a" * 60 + ".example", "", ())
    numbered = auto_name("a" * 60 + ".example", "", {long})
    assert len(long) == len(numbered) == 64
    assert numbered.endswith("-2")


@given(samples.host_patterns, samples.globs)
def test_a_derived_name_is_always_a_slug(host: str, path: str) -> None:
    """And so is the next one."""
    first = auto_name(host, path, ())
    assert is_slug(first)
    assert is_slug(auto_name(host, path, {first}))


@given(samples.services)
def test_a_pattern_reads_back_as_its_parts(service: samples.Service) -> None:
    """Host, port and path of the inline form."""
    assert parse_pattern(service.pattern) == (service.host, service.port, service.path)


def test_an_ipv6_pattern_keeps_its_brackets() -> None:
    """The port could not be told from the address otherwise."""
    host, port, path = parse_pattern("[2001:DB8::1]:8443/x/*")
    assert (host, port, path) == ("2001:db8::1", 8443, "/x/*")
    assert samples.service("six", host, path, port).pattern == "[2001:db8::1]:8443/x/*"
