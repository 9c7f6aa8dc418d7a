"""The filter language."""

import timeit
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.filter_fields import Comparison, Flag, NumberField, TextField
from proxy_core.domain.filter_terms import (
    And,
    AnywhereTerm,
    FlagTerm,
    Node,
    NoneTerm,
    Not,
    NumberTerm,
    Or,
    StatusClass,
    TextTerm,
)
from proxy_core.domain.filters import FilterError, parse_filter
from proxy_core.domain.traffic import RequestRecord


def record(**fields: Any) -> RequestRecord:
    """A finished request to GitHub with other `fields`."""
    usual: dict[str, Any] = {
        "request_id": "r",
        "started_at": 0.0,
        "vault": "default",
        "ingress": "connect",
        "method": "POST",
        "scheme": "https",
        "host": "api.github.com",
        "port": 443,
        "path": "/repos/Octo/hello",
        "actor_name": "ci-1",
        "matched_service": "github",
        "credential_keys": ("GITHUB_TOKEN", "GITHUB_USER"),
        "decision": "injected",
        "status": 404,
        "latency_ms": 1500.0,
    }
    return RequestRecord(**{**usual, **fields})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "method:POST",
        "METHOD:post",
        "host:*.github.com",
        "host:api.github.com",
        "path:/repos/",
        "path:/octo/*lo",
        "status:404",
        "status:4xx",
        "status:>=400",
        "status:<500",
        "agent:ci-*",
        "service:github",
        "cred:GITHUB_USER",
        "cred:*_TOKEN",
        "account:none",
        "code:none",
        "ingress:connect",
        "latency:>1s",
        "latency:<=1500",
        "latency:<0.1m",
        "is:injected",
        "octo",
        "com/repos",
        '"api.github"',
        "github*hello",
        "not status:200",
        "method:GET or status:404",
        "method:POST and (status:500 or octo)",
        "not (a-word-that is-missing)",
        "not not octo",
    ],
)
def test_these_filters_pass_the_record(text: str) -> None:
    """Each field, sign, wildcard and word, in any case."""
    assert parse_filter(text).matches(record())


@pytest.mark.parametrize(
    "text",
    [
        "method:GET",
        "method:POS",
        "host:github.com",
        "path:/admin",
        "status:>404",
        "status:5xx",
        "agent:ci",
        "service:none",
        'code:"none"',
        "cred:GITHUB",
        "latency:<1s",
        "is:stream",
        "is:websocket",
        "is:denied",
        "octo missing",
        "method:GET or status:200",
        "not octo",
    ],
)
def test_these_filters_do_not(text: str) -> None:
    """Whole values where the path alone is searched; all words must be there."""
    assert not parse_filter(text).matches(record())


def test_what_did_not_happen_fits_no_comparison() -> None:
    """A request without an answer is neither below 400 nor faster than a second."""
    gone = record(status=0, latency_ms=-1.0)
    for text in ("status:<400", "status:>=0", "latency:<1s", "latency:>=0"):
        assert not parse_filter(text).matches(gone)
    assert parse_filter("status:0").matches(gone)


@pytest.mark.parametrize("flag", ["failed", "denied", "unmatched", "injected"])
def test_decisions_are_flags(flag: str) -> None:
    """`is:` asks for the decision by its word."""
    assert parse_filter(f"is:{flag}").matches(record(decision=flag))
    assert not parse_filter(f"is:{flag}").matches(record(decision="other"))


def test_streams_and_websockets_are_flags() -> None:
    """Beside the decision."""
    assert parse_filter("is:stream").matches(record(streaming=True))
    assert parse_filter("is:websocket").matches(record(websocket=True))


def test_what_waits_and_what_has_waited_is_held() -> None:
    """Whatever the answer was; what no operator was asked about is not."""
    held = parse_filter("is:held")
    assert held.matches(record(decision="held", held_ms=0.0))
    assert held.matches(record(decision="denied", held_ms=60_000.0))
    assert not held.matches(record())


def test_what_was_sent_upstream_again_is_replayed() -> None:
    """Once or more often; whatever became of it."""
    replayed = parse_filter("is:replayed")
    assert replayed.matches(record(retries=1))
    assert replayed.matches(record(retries=2, decision="failed"))
    assert not replayed.matches(record(retries=0))


def test_or_binds_less_than_and() -> None:
    """`a b or c` is `(a b) or c`."""
    a, b, c = (AnywhereTerm(word) for word in "abc")
    assert parse_filter("a b or c") == Or((And((a, b)), c))
    assert parse_filter("a and (b or c)") == And((a, Or((b, c))))
    assert parse_filter("not a b") == And((Not(a), b))


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("color:red", 0, "unknown field"),
        ("ok status:abc", 10, "number"),
        ("latency:2h", 8, "number"),
        ("is:fast", 3, "stream"),
        ("(a or b", 0, "never closed"),
        ("a)", 1, "no partner"),
        ("()", 1, "missing"),
        ("a or", 4, "missing"),
        ("not", 3, "missing"),
        ("or a", 0, "missing"),
        ('a "b', 2, "no partner"),
        ("host:", 5, "value"),
        ('host:""', 6, "empty"),
        ("(" * 40 + "a", 32, "deep"),
        ("not " * 40 + "a", 128, "deep"),
        ("a" * 1001, 1000, "longer"),
        ("a\\b", 0, "quotes"),
    ],
)
def test_errors_point_at_the_column(text: str, column: int, word: str) -> None:
    """Counted from 0 in the attribute, from 1 in the text."""
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.column == column
    assert word in caught.value.message
    assert f"column {column + 1}" in str(caught.value)


def read(text: str) -> Node | FilterError:
    """The tree, or what is wrong with the text."""
    try:
        return parse_filter(text)
    except FilterError as error:
        return error


words = st.text(min_size=1, max_size=8).map(str.lower).filter(lambda word: word == word.lower())
terms: st.SearchStrategy[Any] = st.one_of(
    st.builds(AnywhereTerm, words),
    st.sampled_from(["and", "or", "not", "none", "is:x", "a:b", "x:"]).map(AnywhereTerm),
    st.builds(TextTerm, st.sampled_from(TextField), words | st.just("none")),
    st.sampled_from(["agent", "service", "cred", "account", "code"]).map(
        lambda name: NoneTerm(TextField(name))
    ),
    st.builds(
        NumberTerm,
        st.sampled_from(NumberField),
        st.sampled_from(Comparison),
        st.integers(0, 99_999).map(float),
    ),
    st.builds(StatusClass, st.integers(1, 5)),
    st.builds(FlagTerm, st.sampled_from(Flag)),
)


def joined(kind: type[And] | type[Or], parts: list[Node]) -> Node:
    """The parts under one node, as the parser builds it: without a nested one of its kind."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else [part])]
    return kind(tuple(flat))


trees = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(joined, st.sampled_from([And, Or]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


@given(trees)
def test_the_canonical_text_of_a_tree_is_read_as_the_same_tree(tree: Node) -> None:
    """So that a saved or shared filter means what it meant."""
    assert parse_filter(str(tree)) == tree


@given(st.text(max_size=40) | st.text('()":<>=* \\notrs4xis', max_size=40))
def test_any_text_is_a_filter_or_an_error_with_a_column(text: str) -> None:
    """And a filter has a canonical text that is stable and passes the same records."""
    tree = read(text)
    if isinstance(tree, FilterError):
        assert 0 <= tree.column <= len(text)
    else:
        again = parse_filter(str(tree))
        assert again == tree
        assert again.matches(record()) == tree.matches(record())


def test_matching_is_cheap() -> None:
    """A console that follows 500 requests a second filters each of them."""
    tree = parse_filter("method:POST host:*.github.com status:>=400 not is:stream path:/repos/")
    one = record()
    assert min(timeit.repeat(lambda: tree.matches(one), number=200, repeat=5)) / 200 < 0.001
