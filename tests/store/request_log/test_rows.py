"""A record's row: texts that the database takes, everything else as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.traffic import RequestRecord
from proxy_core.store.request_log.rows import COLUMNS, MAX_TEXT, row_of

TEXTS = st.one_of(
    st.sampled_from(["", "GET", "/a", "\0", "é", "\ud800", "x" * MAX_TEXT, "y" * (MAX_TEXT + 1)]),
    st.text(max_size=5),
)


def record(**fields: object) -> RequestRecord:
    """A record of which only these fields matter."""
    base: dict[str, object] = dict.fromkeys(("request_id", "vault", "ingress", "method"), "")
    base |= {"scheme": "https", "host": "a.test", "port": 443, "path": "/", "started_at": 1.5}
    return RequestRecord(**(base | fields))


def row(one: RequestRecord) -> dict[str, object]:
    """Its row by column."""
    return dict(zip(COLUMNS, row_of(one, "v1"), strict=True))


@given(path=TEXTS, reason=TEXTS, keys=st.lists(TEXTS, max_size=3))
def test_every_text_can_be_stored(path: str, reason: str, keys: list[str]) -> None:
    """Without NUL or lone surrogates, of bounded length, and unchanged where that holds already."""
    found = row(record(path=path, reason=reason, credential_keys=tuple(keys)))
    given_texts = {"path": path, "reason": reason, "credential_keys": ",".join(keys)}
    for name, before in given_texts.items():
        after = found[name]
        assert isinstance(after, str)
        assert "\0" not in after
        assert len(after) <= MAX_TEXT
        after.encode()
        if before.isprintable() and len(before) <= MAX_TEXT:
            assert after == before


@pytest.mark.parametrize("path", ["/a", "/\0", "/" + "x" * MAX_TEXT])
def test_what_is_no_text_stays(path: str) -> None:
    """Numbers and truth values are as in the record, whatever its texts are."""
    found = row(record(path=path, status=204, latency_ms=2.5, streaming=True, bytes_up=7))
    assert found["vault_id"] == "v1"
    assert (found["status"], found["latency_ms"], found["streaming"]) == (204, 2.5, True)
    assert (found["port"], found["bytes_up"], found["started_at"]) == (443, 7, 1.5)
    assert found["injected_headers"] == ""
