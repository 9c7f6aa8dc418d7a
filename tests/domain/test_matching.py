"""Which service covers a request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.globs import compile_glob
from proxy_core.domain.matching import PathTable, ServiceIndex
from proxy_core.domain.service import Service
from tests.domain import samples
from tests.domain.samples import service

SLACK = [
    service("slack-bot", "slack.com", "/api/*"),
    service("slack-conn", "slack.com", "/api/apps.connections.*"),
]


def winner(services: list[Service], host: str, path: str, port: int = 443) -> str | None:
    """Name of the matching service."""
    found = ServiceIndex(services).match(host, port, path)
    return found.name if found else None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/apps.connections.open", "slack-conn"),
        ("/api/chat.postMessage", "slack-bot"),
        ("/oauth/v2/authorize", None),
    ],
)
def test_the_longest_literal_prefix_wins(path: str, name: str | None) -> None:
    """Two credentials on one host are told apart by path."""
    assert winner(SLACK, "slack.com", path) == name


def test_an_exact_host_goes_before_a_wildcard_whatever_the_path() -> None:
    """And a host that falls through its exact services still meets the wildcard."""
    listed = [
        service("wild", "*.example.com", "/very/long/path/*"),
        service("exact", "api.example.com", "/very/*"),
        service("wild-all", "*.example.com"),
    ]
    assert winner(listed, "api.example.com", "/very/long/path/x") == "exact"
    assert winner(listed, "api.example.com", "/other") == "wild-all"


def test_a_wildcard_is_one_label() -> None:
    """Neither the bare domain nor a deeper name is covered."""
    listed = [service("wild", "*.example.com")]
    assert winner(listed, "a.example.com", "/") == "wild"
    assert winner(listed, "example.com", "/") is None
    assert winner(listed, "a.b.example.com", "/") is None


def test_a_port_goes_before_no_port() -> None:
    """A service with a port covers no other port."""
    listed = [service("any", "a.example", "/x/y*"), service("tls", "a.example", "/*", 8443)]
    assert winner(listed, "a.example", "/x/y", 8443) == "tls"
    assert winner(listed, "a.example", "/x/y", 443) == "any"
    assert winner(listed[1:], "a.example", "/", 443) is None


def test_equal_prefixes_fall_to_the_order_of_declaration() -> None:
    """`/a*` and `/a` have the same literal length."""
    star, exact = service("star", "a.example", "/a*"), service("exact", "a.example", "/a")
    assert winner([star, exact], "a.example", "/a") == "star"
    assert winner([exact, star], "a.example", "/a") == "exact"
    tails = [service("v3", "a.example", "/x/*/v3"), service("all", "a.example", "/x/*")]
    assert winner(tails, "a.example", "/x/1/v3") == "v3"
    assert winner(tails[::-1], "a.example", "/x/1/v3") == "all"


def test_a_disabled_service_still_matches() -> None:
    """So that policy can say it is disabled, instead of falling to a broader one."""
    listed = [service("off", "a.example", "/x*", enabled=False), service("on", "a.example")]
    assert winner(listed, "a.example", "/x") == "off"


@pytest.mark.parametrize(
    "path",
    [
        "/admin%2Fusers",
        "/%61dmin/users",
        "//admin/users",
        "/public//../x",
        "/%2561dmin/x",
        "/public/%2e%2e/x",
    ],
)
def test_a_path_that_other_servers_would_read_differently_is_refused(path: str) -> None:
    """No spelling gets a request to one service while the upstream obeys another path."""
    index = ServiceIndex(
        [service("public", "a.example"), service("admin", "a.example", "/admin/*")]
    )
    with pytest.raises(VaultError) as caught:
        index.match("a.example", 443, path)
    assert caught.value.code == "bad_request"


def test_an_encoded_slash_that_decides_nothing_passes() -> None:
    """npm asks for `/@scope%2Fname`."""
    listed = [service("npm", "registry.example")]
    assert winner(listed, "registry.example", "/@scope%2fname") == "npm"
    assert winner(listed, "other.example", "/@scope%2fname//x") is None


def test_explain_names_the_reason_of_each_candidate() -> None:
    """What the match tester shows: the winner first, then why the others lost."""
    listed = [
        service("wild", "*.example.com"),
        service("other-port", "api.example.com", "", 8443),
        service("elsewhere", "api.example.com", "/admin/*"),
        service("general", "api.example.com"),
        service("again", "api.example.com", "/v1/*"),
        service("special", "api.example.com", "/v1/*"),
        service("unrelated", "example.org"),
    ]
    listed[4], listed[5] = listed[5], listed[4]
    found = {
        item.service.name: item
        for item in ServiceIndex(listed).explain("api.example.com", 443, "/v1/x")
    }
    assert [name for name, item in found.items() if item.matched] == ["special"]
    assert "unrelated" not in found
    assert "most specific" in found["special"].reason
    assert "declared earlier" in found["again"].reason
    assert "longer literal" in found["general"].reason
    assert "/admin/*" in found["elsewhere"].reason
    assert "8443" in found["other-port"].reason
    assert "wildcard" in found["wild"].reason


def naive(services: list[Service], host: str, port: int, path: str) -> Service | None:
    """The order of preference, written down in the obvious way."""
    best: tuple[Any, Service] | None = None
    for order, item in enumerate(services):
        wildcard = item.host.startswith("*.")
        covered = host.partition(".")[2] == item.host[2:] if wildcard else host == item.host
        if not covered or item.port not in (0, port) or not compile_glob(item.path).matches(path):
            continue
        rank = (wildcard, item.port == 0, -len(item.path.partition("*")[0]), order)
        if best is None or rank < best[0]:
            best = rank, item
    return best[1] if best else None


paths = st.from_regex(r"/(a|b|c/){0,6}", fullmatch=True).filter(lambda path: "//" not in path)


@given(st.lists(samples.covering, max_size=12), samples.hosts, st.sampled_from([443, 8443]), paths)
def test_the_index_agrees_with_a_linear_search(
    services: list[Service], host: str, port: int, path: str
) -> None:
    """Whatever the services, compiled and naive matching choose the same one."""
    index = ServiceIndex(services)
    found = index.match(host, port, path)
    assert found is naive(services, host, port, path)
    winners = [item.service for item in index.explain(host, port, path) if item.matched]
    assert winners == ([found] if found else [])


@pytest.mark.parametrize("count", [10, 10_000])
def test_a_lookup_examines_as_many_candidates_with_ten_services_as_with_ten_thousand(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: hosts, wildcards and paths that don't fit are never looked at."""
    listed = [service(f"host-{i}", f"h{i}.example.com") for i in range(count)]
    listed += [service(f"wild-{i}", f"*.w{i}.example.com") for i in range(count)]
    listed += [service(f"path-{i}", "big.example.com", f"/p{i:05}/*") for i in range(count)]
    index = ServiceIndex(listed)
    examined = 0
    original = PathTable.tried

    def counting(self: PathTable, path: str) -> Any:
        nonlocal examined
        for entry in original(self, path):
            examined += 1
            yield entry

    monkeypatch.setattr(PathTable, "tried", counting)
    for host, path in (
        ("h7.example.com", "/x"),
        ("a.w7.example.com", "/x"),
        ("big.example.com", "/p00007/x"),
        ("big.example.com", "/none"),
        ("none.example.com", "/"),
    ):
        index.match(host, 443, path)
    assert examined == 3
    table = index.tables("big.example.com", 443)[0]
    assert table.lengths == (len("/p00000/"),)


def test_a_look_up_is_answered_alike_however_often_it_is_made() -> None:
    """Also when more was looked up between than an index keeps, and for paths it does not keep."""
    index = ServiceIndex([service("one", "a.test", "/x/*"), service("all", "*.test")])
    asked = [("a.test", 443, "/x/1"), ("a.test", 443, "/y"), ("b.org", 443, "/")]
    asked.append(("a.test", 443, "/x/" + "long" * 100))
    answers = [index.lookup(*each) for each in asked]
    assert [entry and entry.service.name for entry in answers] == ["one", "all", None, "one"]
    for number in range(3000):
        assert index.lookup("a.test", 443, f"/x/{number}") is answers[0]
    assert [index.lookup(*each) for each in asked] == answers
