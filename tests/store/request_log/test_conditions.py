"""Filters in SQL find exactly the records that the domain's filters match."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy_core.base.clock import FakeClock
from proxy_core.domain.filters import parse_filter
from proxy_core.store.database import Database
from proxy_core.store.request_log.pages import LogQuery, log_page
from proxy_core.store.request_log.sink import RequestLog
from tests.store.conftest import NOW, make_record

SAMPLES = [
    make_record(0, method="POST", status=201, latency_ms=2_500.0, streaming=True),
    make_record(1, host="api.github.com", path="/repos/Octo_Cat/100%25", actor_name="ci"),
    make_record(
        2, credential_keys=("GITHUB_TOKEN", "OTHER_KEY"), retries=1, actor_name="CI-nightly"
    ),
    make_record(3, credential_keys=("OTHER_TOKEN",), status=404, latency_ms=0.0),
    make_record(4, matched_service="", decision="unmatched", status=0),
    make_record(5, matched_service="", decision="denied", error_code="forbidden", status=403),
    make_record(
        6, ingress="gateway", path="/a\\b'c\"d;--", websocket=True, account="work", status=599
    ),
    make_record(
        7, path="/", latency_ms=250.0, status=500, decision="failed", retries=2, held_ms=12.5
    ),
]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A SQLite database with the samples."""
    database = Database.open(tmp_path_factory.mktemp("filter") / "vault.db")
    asyncio.run(store_samples(database))
    yield database
    database.close()


async def store_samples(database: Database) -> None:
    """Log the samples."""
    log = RequestLog(database, clock=FakeClock(NOW))
    log.start()
    for record in SAMPLES:
        log.append(record, "v1")
    await log.stop()


def found_in_sql(database: Database, text: str) -> set[str]:
    """Request ids that the database finds."""
    query = LogQuery(filter=parse_filter(text), limit=200)
    page = database.read_sync(lambda session: log_page(session, query))
    return {row.request_id for row in page.rows}


def found_in_memory(text: str) -> set[str]:
    """Request ids that the domain's filter matches."""
    node = parse_filter(text)
    return {record.request_id for record in SAMPLES if node.matches(record)}


EXAMPLES = [
    ("", "01234567"),
    ("method:post", "0"),
    ("host:*.github.com", "1"),
    ("octo_cat", "1"),
    ("octoxcat", ""),
    ("path:100%25", "1"),
    ("path:/items/*", "02345"),
    ("agent:ci", "1"),
    ("agent:ci*", "12"),
    ("agent:none", "034567"),
    ("cred:github_token", "2"),
    ("cred:*token", "23"),
    ("cred:github*key", ""),
    ("cred:*", "23"),
    ("cred:none", "014567"),
    ("service:none code:forbidden", "5"),
    ("status:>=400", "3567"),
    ("status:<300", "012"),
    ("status:0", "4"),
    ("status:5xx", "67"),
    ("latency:>2s", "0"),
    ("latency:<=250ms", "37"),
    ("is:held", "7"),
    ("not is:held", "0123456"),
    ("is:replayed", "27"),
    ("not is:replayed", "013456"),
    ("is:stream or is:websocket", "06"),
    ("is:unmatched or is:denied or is:failed", "457"),
    ("not (is:injected or status:0)", "57"),
    ("account:work", "6"),
    ("ingress:gateway", "6"),
    ('"a\\\\b\'c"', "6"),
]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_sql_finds_what_the_filter_means(samples: Database, text: str, expected: str) -> None:
    """Each field, flag and operator finds its records, in SQL and in memory alike."""
    assert found_in_memory(text) == {f"r{number}" for number in expected}
    assert found_in_sql(samples, text) == found_in_memory(text)


async def test_postgresql_finds_the_same(postgres_url: str) -> None:
    """All examples again on PostgreSQL."""
    database = Database.open(postgres_url)
    await store_samples(database)
    for text, _ in EXAMPLES:
        assert found_in_sql(database, text) == found_in_memory(text), text
    database.close()


TERMS = st.one_of(
    st.builds(
        "{}:{}".format,
        st.sampled_from(["method", "host", "path", "agent", "service", "cred", "account", "code"]),
        st.one_of(
            st.sampled_from(["none", "*", "ci", "*token", "%", "_", "a_b", "*.com", "g*t*n"]),
            st.text("abcgiot_*%.-/", min_size=1, max_size=6),
        ),
    ),
    st.builds(
        "{}:{}{}".format,
        st.sampled_from(["status", "latency"]),
        st.sampled_from(["", ">", "<", ">=", "<="]),
        st.sampled_from([0, 200, 250, 404, 2500]),
    ),
    st.sampled_from(["is:stream", "is:failed", "is:replayed", "status:4xx", "items", "%", "o_o"]),
)
FILTERS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.builds("({} or {})".format, inner, inner),
        st.builds("({} and {})".format, inner, inner),
        st.builds("not {}".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILTERS)
def test_sql_and_memory_agree(samples: Database, text: str) -> None:
    """Any filter finds the same records in SQL and in memory."""
    assert found_in_sql(samples, text) == found_in_memory(text)


def test_the_longest_filter_is_still_a_statement(samples: Database) -> None:
    """A filter of the greatest length, all terms or all nesting, stays within SQL's limits."""
    assert found_in_sql(samples, " ".join("a" * 500)) == found_in_memory("a")
    nested = "not (" * 16 + "status:404" + ")" * 16
    assert found_in_sql(samples, nested) == found_in_memory(nested)


def test_patterns_are_values_not_sql(samples: Database) -> None:
    """Quotes and comment signs in a pattern are searched for, nothing else."""
    assert found_in_sql(samples, '"\'c\\"d;--"') == {"r6"}
    assert found_in_sql(samples, '"\' or 1=1 --"') == set()
