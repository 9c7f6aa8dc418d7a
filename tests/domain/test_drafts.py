"""First drafts of services: from the catalog, or the narrowest that covers what was seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain import catalog
from proxy_core.domain.drafts import Seen, draft_service
from proxy_core.domain.service_document import parse_service

READS = [{"action": "allow", "methods": ["GET", "HEAD", "OPTIONS"]}, {"action": "deny"}]


def draft(host: str, *seen: str, port: int = 443) -> dict[str, object]:
    """The draft's document; `seen` are `METHOD path`."""
    requests = [Seen(*one.split(" ", 1)) for one in seen]
    return draft_service(host, port, requests, catalog.templates()).document


def test_a_host_that_the_catalog_knows_gets_its_template():
    """With its auth; what was seen changes nothing in it."""
    found = draft_service("api.github.com", 443, [Seen("GET", "/user")], catalog.templates())
    assert found.template is not None
    assert (found.template.id, found.methods) == ("github", ("GET",))
    assert found.document == found.template.service


def test_a_template_of_another_place_on_the_host_is_not_taken():
    """slack.com is known below /api/ alone."""
    assert "auth" in draft("slack.com", "POST /api/chat.postMessage")
    assert "auth" not in draft("slack.com", "POST /oauth/v2/authorize")


def test_a_template_with_a_wildcard_covers_one_label():
    """As services do."""
    assert "auth" in draft("acme.supabase.co")
    assert "auth" not in draft("a.b.supabase.co")


@pytest.mark.parametrize(
    ("seen", "host"),
    [
        ((), "x.test"),
        (("POST /v1/a",), "x.test"),
        (("POST /v1/a", "POST /v1/b/c"), "x.test/v1/*"),
        (("POST /v1/p/a", "POST /v1/p/b", "POST /v1/p/q/r"), "x.test/v1/p/*"),
        (("POST /a/b/c/d", "POST /a/b/c/e"), "x.test/a/b/*"),
        (("POST /v1/a", "POST /v2/b"), "x.test"),
        (("POST /a*/b", "POST /a*/c"), "x.test"),
        (("POST /../b", "POST /../c"), "x.test"),
        (("POST a", "POST b"), "x.test"),
    ],
)
def test_an_unknown_host_gets_the_place_that_all_paths_share(seen: tuple[str, ...], host: str):
    """Two segments at most, of plain characters; one path alone says nothing."""
    assert draft("x.test", *seen) == {"host": host}


def test_an_unusual_port_is_named():
    """The usual ones are not."""
    assert draft("x.test", port=8443) == {"host": "x.test:8443"}
    assert draft("x.test", port=80) == {"host": "x.test"}


def test_where_only_reading_was_seen_the_rules_let_only_that_pass():
    """One other method, and there are none."""
    assert draft("x.test", "GET /a", "HEAD /b")["rules"] == READS
    assert "rules" not in draft("x.test", "GET /a", "POST /b")


@given(st.lists(st.from_regex(r"(/[a-z0-9.%*~-]{0,6}){1,5}", fullmatch=True), max_size=5))
def test_a_draft_is_valid_and_covers_all_that_was_seen(paths: list[str]):
    """Whatever the paths: with an auth it is a service, and matches each of them."""
    seen = [Seen("POST", path) for path in paths]
    document = draft_service("x.test", 443, seen, ()).document
    made = parse_service({**document, "auth": {"type": "passthrough"}})
    for path in paths:
        prefix = made.path.removesuffix("*")
        assert path.startswith(prefix)
