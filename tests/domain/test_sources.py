"""What a store holds, as credentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.names import check_credential_key
from proxy_core.domain.sources import MAX_NAMES, content_of


def test_names_become_keys_or_are_skipped():
    """Two names that would be one are both left out: neither is guessed to be meant."""
    found = content_of({"api-key": "1", "db.host/name": "2", "A B": "3", "a_b": "4", "9": "5"})
    assert found.values == {"API_KEY": b"1", "DB_HOST_NAME": b"2"}
    assert found.skipped == ("9", "A B", "a_b")


def test_more_than_a_vault_takes_is_refused():
    """Rather than cut off somewhere."""
    with pytest.raises(VaultError):
        content_of({f"K{number}": "x" for number in range(MAX_NAMES + 1)})


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers(), max_size=8))
def test_every_name_is_a_key_or_skipped(found: dict[str, object]):
    """Nothing gets lost, and every key may be one."""
    content = content_of(found)
    assert len(content.values) + len(content.skipped) == len(found)
    for key, value in content.values.items():
        assert check_credential_key(key) == key
        assert value
