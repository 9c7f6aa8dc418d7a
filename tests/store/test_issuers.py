"""Trusted issuers as the store keeps them, on both databases."""

from typing import Any

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.store import issuers
from proxy_core.store.database import Database
from proxy_core.store.tables import IssuerRow
from tests.store.conftest import NOW


def row(issuer_id: str, name: str, **more: Any) -> IssuerRow:
    """An issuer that is yet to be stored."""
    values: dict[str, Any] = {
        "url": f"https://{name}.example",
        "audiences": ["vault"],
        "algorithms": ["ES256"],
        "jwks_url": "",
        "rules": [{"claim": "sub", "equals": "ada", "agent": "bot", "agent_id": "a1"}],
        "created_at": NOW,
    }
    return IssuerRow(id=issuer_id, name=name, **{**values, **more})


def test_an_issuer_is_kept_replaced_and_removed(database: Database) -> None:
    """Its id and age stay when it is replaced; the order is that of names."""
    for one in (row("i1", "two"), row("i2", "one")):
        database.run_sync(lambda session, one=one: issuers.add_issuer(session, one, 5))
    other = row("i3", "two", audiences=["other"], created_at=NOW + 1)
    database.run_sync(lambda session: issuers.replace_issuer(session, other))
    stored = database.run_sync(issuers.list_issuers)
    assert [one.name for one in stored] == ["one", "two"]
    assert (stored[1].id, stored[1].audiences, stored[1].created_at) == ("i1", ["other"], NOW)
    assert stored[0].rules == row("i2", "one").rules
    database.run_sync(lambda session: issuers.delete_issuer(session, "one"))
    with pytest.raises(VaultError) as caught:
        database.run_sync(lambda session: issuers.delete_issuer(session, "one"))
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "one", "issuer_id": "i2"}, "an issuer one already"),
        ({"name": "two", "issuer_id": "i2", "url": "https://one.example"}, "this URL"),
        ({"name": "two", "issuer_id": "i2"}, "no room"),
    ],
)
def test_names_and_urls_are_each_an_issuers_own(
    database: Database, more: dict[str, Any], said: str
) -> None:
    """A second of either is refused, and one too many."""
    database.run_sync(lambda session: issuers.add_issuer(session, row("i1", "one"), 5))
    limit = 1 if said == "no room" else 5
    with pytest.raises(VaultError, match=said) as caught:
        database.run_sync(lambda session: issuers.add_issuer(session, row(**more), limit))
    assert caught.value.code == "conflict"


def test_a_replacement_takes_no_others_url(database: Database) -> None:
    """Nor does it change anything then."""
    for one in (row("i1", "one"), row("i2", "two")):
        database.run_sync(lambda session, one=one: issuers.add_issuer(session, one, 5))
    with pytest.raises(VaultError, match="this URL"):
        database.run_sync(
            lambda session: issuers.replace_issuer(
                session, row("i3", "two", url="https://one.example")
            )
        )
    assert database.run_sync(issuers.list_issuers)[1].url == "https://two.example"
