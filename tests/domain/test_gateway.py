"""The gateway's part of a service, and how its paths become those of the upstream."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.gateway import (
    by_prefix,
    split_path,
    upstream_path,
    vault_of_host,
)
from proxy_core.domain.service import Gateway, Service
from proxy_core.domain.service_document import parse_service, parse_services, service_document
from proxy_core.domain.service_edits import upsert_services
from proxy_core.domain.target import check_path


def document(gateway: object, host: str = "slack.com", name: str = "slack") -> dict[str, Any]:
    """A service with this gateway."""
    return {"name": name, "host": host, "auth": {"type": "passthrough"}, "gateway": gateway}


def parsed(gateway: object, host: str = "slack.com") -> Gateway:
    """What a service's gateway is read as."""
    found = parse_service(document(gateway, host)).gateway
    assert found is not None
    return found


def refusal(gateway: object, host: str = "slack.com") -> str:
    """Why it is not read."""
    with pytest.raises(VaultError) as failure:
        parse_service(document(gateway, host))
    assert failure.value.code == "bad_request"
    return str(failure.value)


def test_the_upstream_is_the_services_own_host_unless_it_is_named() -> None:
    """An exact host needs no upstream; the document that is written leaves nothing to guess."""
    assert parsed({"prefix": "slack"}) == Gateway("slack", "https", "slack.com", 443)
    assert parsed({"prefix": "s"}, "slack.com:8443").port == 8443
    found = parsed({"prefix": "s", "upstream": "http://a.slack.com:81/api/"}, "*.slack.com")
    assert found == Gateway("s", "http", "a.slack.com", 81, "/api")
    assert found.upstream == "http://a.slack.com:81/api"
    service = parse_service(document({"prefix": "slack"}))
    written = service_document(service)
    assert written["gateway"] == {"prefix": "slack", "upstream": "https://slack.com"}
    assert parse_service(written) == service
    assert "gateway" not in service_document(parse_service(document(None)))


@pytest.mark.parametrize(
    ("gateway", "words"),
    [
        ("/slack", "must be a mapping"),
        ({}, "prefix is required"),
        ({"prefix": "Slack"}, "must be 1 to 64 characters"),
        ({"prefix": "a/b"}, "must be 1 to 64 characters"),
        ({"prefix": "a" * 65}, "must be 1 to 64 characters"),
        ({"prefix": "s", "to": "x"}, "unexpected field 'to'"),
        ({"prefix": "s", "upstream": "https://evil.example"}, "no host of this service"),
        ({"prefix": "s", "upstream": "https://a.slack.com"}, "no host of this service"),
        ({"prefix": "s", "upstream": "ftp://slack.com"}, "must be https://"),
        ({"prefix": "s", "upstream": "https://u:p@slack.com"}, "must be https://"),
        ({"prefix": "s", "upstream": "https://slack.com/?a=b"}, "must be https://"),
        ({"prefix": "s", "upstream": "https://slack.com/#a"}, "must be https://"),
        ({"prefix": "s", "upstream": "https://sla\nck.com/"}, "must be https://"),
        ({"prefix": "s", "upstream": "https://slack.com\\@evil.example/"}, "must be https://"),
        ({"prefix": "s", "upstream": "https://slack.com/a/../b"}, "several ways"),
        ({"prefix": "s", "upstream": "https://slack.com/a%2fb"}, "several ways"),
        ({"prefix": "s", "upstream": "https://slack.com//a"}, "several ways"),
    ],
)
def test_what_is_no_gateway_is_refused(gateway: object, words: str) -> None:
    """No upstream but a host of the service, no path with two meanings, no odd prefix."""
    assert words in refusal(gateway)


def test_a_wildcard_needs_an_upstream_of_one_label() -> None:
    """Which of its hosts is meant can't be guessed, and a wildcard is one label."""
    assert "upstream is required" in refusal({"prefix": "s"}, "*.slack.com")
    deep = {"prefix": "s", "upstream": "https://a.b.slack.com"}
    assert "no host of this service" in refusal(deep, "*.slack.com")
    other_port = {"prefix": "s", "upstream": "https://slack.com"}
    assert "no host of this service" in refusal(other_port, "slack.com:8443")


@pytest.mark.parametrize(
    ("base", "fits"),
    [
        ("", True),
        ("/api", True),
        ("/api/v2", True),
        ("/v9", False),
        ("/ap", False),
        ("/apis", False),
    ],
)
def test_the_upstreams_base_fits_the_services_path(base: str, fits: bool) -> None:
    """A gateway of which every request would be refused is a mistake."""
    given = {"prefix": "s", "upstream": f"https://slack.com{base}"}
    if fits:
        assert parsed(given, "slack.com/api/*").base == base
    else:
        assert "nothing below upstream" in refusal(given, "slack.com/api/*")
    assert parsed({"prefix": "s", "upstream": "https://slack.com/api"}, "slack.com/api").base


def test_a_prefix_belongs_to_one_service_of_a_vault() -> None:
    """A second service with the same prefix is refused, its namesake is replaced."""
    one, other = parse_services(
        [document({"prefix": "s"}, name="one"), document({"prefix": "t"}, name="two")]
    )
    assert by_prefix([one, other]) == {"s": one, "t": other}
    moved = parse_service(document({"prefix": "s"}, name="two"))
    with pytest.raises(VaultError, match="prefix s is that of service one already"):
        upsert_services((one, other), (moved,))
    without = parse_service(document(None, name="one"))
    assert upsert_services((one, other), (without, moved)) == (without, moved)


def mapped(path: str, base: str = "", host: str = "slack.com") -> str:
    """The path that an upstream with this base is asked for."""
    prefix, rest = split_path(path)
    return upstream_path(Gateway(prefix, "https", host, 443, base), rest)


@pytest.mark.parametrize(
    ("path", "base", "expected"),
    [
        ("/s", "", "/"),
        ("/s/", "", "/"),
        ("/s/a/b", "", "/a/b"),
        ("/s", "/api", "/api"),
        ("/s/", "/api", "/api/"),
        ("/s/a%2Fb;c=%20", "/api", "/api/a%2Fb;c=%20"),
        ("/s//a//", "/api", "/api//a//"),
        ("/s/v1/v1/messages", "", "/v1/v1/messages"),
    ],
)
def test_what_is_behind_the_prefix_is_appended_as_it_stands(
    path: str, base: str, expected: str
) -> None:
    """Neither decoded nor collapsed."""
    assert mapped(path, base) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/anthropic/v1/messages", "/v1/messages"),
        ("/anthropic/v1/v1/messages", "/v1/messages"),
        ("/anthropic/v1/v1", "/v1"),
        ("/anthropic/v1/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/anthropic/v1/api/oauth/usage", "/api/oauth/usage"),
        ("/anthropic/v1/api-keys", "/v1/api-keys"),
        ("/anthropic/v1/v10/x", "/v1/v10/x"),
        ("/anthropic/v1/v1/v1/x", "/v1/v1/x"),
    ],
)
def test_a_base_url_that_ends_in_v1_is_understood(path: str, expected: str) -> None:
    """At Anthropic's hosts, of a doubled `/v1` one counts."""
    assert mapped(path, host="api.anthropic.com") == expected


segments = st.lists(
    st.text(alphabet="abz019-._~%2FfeE5cC;:@+ \\?#é\x00", min_size=0, max_size=12), max_size=5
)


@given(
    segments, st.sampled_from(["", "/api", "/api/v2"]), st.sampled_from(["x.test", "anthropic.com"])
)
def test_no_path_gets_out_of_the_upstreams_base(parts: list[str], base: str, host: str) -> None:
    """A path that passes the check stays below the base, and passes the check when it is mapped."""
    path = "/".join(["", "s", *parts])
    try:
        check_path(path)
    except VaultError:
        return
    found = mapped(path, base, host)
    assert found == "/" or found == base or found.startswith(base + "/")
    check_path(found)


@given(segments, st.sampled_from(["/api", "/a/b"]))
def test_the_mapping_loses_nothing(parts: list[str], base: str) -> None:
    """Base and rest can be told apart again in what was mapped."""
    rest = "".join("/" + part for part in parts)
    assert mapped("/s" + rest, base) == base + rest


def test_a_host_below_the_domain_names_a_vault() -> None:
    """One label, and only where a domain is set."""
    assert vault_of_host("work.proxy.example.com", "proxy.example.com") == "work"
    assert vault_of_host("a.b.proxy.example.com", "proxy.example.com") is None
    assert vault_of_host("proxy.example.com", "proxy.example.com") is None
    assert vault_of_host("xproxy.example.com", "proxy.example.com") is None
    assert vault_of_host("work.proxy.example.com", "") is None


def test_a_service_without_gateway_has_no_prefix() -> None:
    """Only those that ask for one are served."""
    plain = parse_service(document(None))
    assert isinstance(plain, Service)
    assert by_prefix([plain]) == {}
