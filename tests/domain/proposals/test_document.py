"""Reading proposals: limits, references, what goes with what."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.proposals import (
    Authority,
    ItemAction,
    parse_proposal,
    proposal_document,
    stored_proposal,
)
from tests.domain.proposals.samples import document, proposal, vault

EMPTY = Authority()
SLOT = {"action": "set", "key": "KEY_A"}
OAUTH = {"token_url": "https://issuer.example.com/token", "client_id": "c"}
HIJACKED = {"authorization_url": "https://issuer.example.com/a?redirect_uri=https://evil.example/"}


def refusal(now: Authority, **body: Any) -> str:
    """What a proposal is refused with."""
    with pytest.raises(VaultError) as caught:
        parse_proposal(body, now)
    assert caught.value.code == "bad_request"
    return caught.value.detail


def test_a_service_with_its_slot() -> None:
    """The value is handed back apart and stands nowhere in the proposal."""
    body = {
        "services": [{"action": "set", **document("api", "API.Example.com")}],
        "credentials": [{**SLOT, "value": "s3cret", "obtain": "https://example.com/keys"}],
        "message": "m",
        "user_message": "u",
    }
    found, values = parse_proposal(body, EMPTY)
    assert values == {"KEY_A": b"s3cret"}
    assert "s3cret" not in repr(found)
    assert found.slots[0].has_value
    assert found.services[0].document["host"] == "api.example.com"
    assert stored_proposal(proposal_document(found)) == found


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "at least one"),
        ({"services": [document("api", "a.example.com")]}, "neither exists nor"),
        ({"services": [{"name": "abc"}]}, "auth is required"),
        ({"services": [{"action": "delete", "name": "abc"}]}, "no service is named abc"),
        ({"services": [{"action": "delete"}]}, "host is required"),
        ({"services": [{"action": "grant", "name": "abc"}]}, "unknown action"),
        ({"credentials": [{"action": "delete", "key": "KEY_A"}]}, "no credential KEY_A"),
        ({"credentials": [{"action": "delete", "key": "KEY_A", "value": "x"}]}, "unexpected"),
        ({"credentials": [SLOT, SLOT]}, "named twice"),
        ({"credentials": [{**SLOT, "type": "pool"}]}, "static or oauth"),
        ({"credentials": [{**SLOT, "type": "oauth"}]}, "oauth field"),
        ({"credentials": [{**SLOT, "type": "static", "oauth": OAUTH}]}, "oauth field"),
        ({"credentials": [{**SLOT, "oauth": OAUTH, "value": "x"}]}, "takes no value"),
        ({"credentials": [{**SLOT, "oauth": {"token_url": "http://x.example/"}}]}, "https"),
        ({"credentials": [{**SLOT, "oauth": {**OAUTH, "client_secret": "x"}}]}, "client_secret"),
        ({"credentials": [{**SLOT, "oauth": {**OAUTH, **HIJACKED}}]}, "redirect_uri"),
        ({"credentials": [{**SLOT, "key": "key_a"}]}, "UPPER_SNAKE_CASE"),
        ({"credentials": [{"key": f"KEY_{n}"} for n in range(11)]}, "at most 10"),
        ({"credentials": [SLOT], "message": "x" * 2001}, "2001 characters; at most 2000"),
        ({"credentials": [SLOT], "user_message": "x" * 5001}, "at most 5000"),
        ({"credentials": [{**SLOT, "description": "x" * 501}]}, "at most 500"),
        ({"credentials": [{**SLOT, "obtain": "x" * 501}]}, "at most 500"),
        ({"credentials": [{**SLOT, "obtain_instructions": "x" * 1001}]}, "at most 1000"),
        ({"credentials": [SLOT], "message": 7}, "must be text"),
        ({"credentials": [SLOT], "extra": 7}, "unexpected field"),
    ],
)
def test_refusals_say_what_is_wrong(body: dict[str, Any], word: str) -> None:
    """Each limit and rule has a sentence of its own."""
    assert word in refusal(EMPTY, **body)


def test_texts_may_be_as_long_as_promised() -> None:
    """The limits themselves are allowed, in characters rather than bytes."""
    slot = {**SLOT, "description": "é" * 500, "obtain": "é" * 500}
    slot["obtain_instructions"] = "é" * 1000
    found = proposal(EMPTY, slots=[slot], message="é" * 2000, user_message="é" * 5000)
    assert len(found.user_message) == 5000


def test_a_refused_value_is_not_shown() -> None:
    """Neither a wrong type nor a wrong length quotes what was given."""
    for value in (["s3cret"], "s3cret" * 20_000, "", "s3cret\ud800"):
        assert "s3cret" not in refusal(EMPTY, credentials=[{**SLOT, "value": value}])


def test_slots_are_used_or_stand_alone() -> None:
    """Beside services a slot needs one that names it; without services it needs none."""
    assert proposal(EMPTY, slots=[SLOT]).slots[0].key == "KEY_A"
    unused = refusal(
        vault(document("api", "a.example.com", "KEY_B")),
        services=[document("api", "a.example.com", "KEY_B")],
        credentials=[SLOT],
    )
    assert "no service of this proposal uses the slot KEY_A" in unused


def test_types_of_credentials_stay() -> None:
    """A pool is no slot, and an OAuth credential is not set to a value."""
    assert "is a pool" in refusal(vault(KEY_A="pool"), credentials=[SLOT])
    assert "of type oauth" in refusal(vault(KEY_A="oauth"), credentials=[SLOT])
    kept = proposal(vault(KEY_A="oauth"), slots=[{**SLOT, "oauth": OAUTH}])
    assert (kept.slots[0].type, kept.slots[0].existed) == ("oauth", True)


def test_services_without_a_name_replace_those_of_their_pattern() -> None:
    """The same host and path is the same service; another gets a free name."""
    now = vault(document("mine", "a.example.com/v1/*"))
    nameless = document("", "a.example.com/v1/*")
    assert proposal(now, nameless).services[0].name == "mine"
    other = document("", "a.example.com")
    assert proposal(now, other).services[0].name == "a-example-com"
    taken = vault(document("a-example-com", "other.example.com"))
    assert proposal(taken, other).services[0].name == "a-example-com-2"


def test_services_are_deleted_by_name_or_host() -> None:
    """A host that names several is refused with the candidates."""
    now = vault(document("one", "a.example.com/x"), document("two", "a.example.com/y"))
    found = proposal(now, {"action": "delete", "host": "a.example.com/x"})
    assert (found.services[0].action, found.services[0].name) == (ItemAction.DELETE, "one")
    with pytest.raises(VaultError) as caught:
        parse_proposal({"services": [{"action": "delete", "host": "a.example.com"}]}, now)
    assert len(caught.value.extra["candidates"]) == 2


def test_one_service_is_named_once() -> None:
    """Two changes of one service have no order that anybody could see."""
    now = vault(document("one", "a.example.com"))
    services = [document("one", "b.example.com"), {"action": "delete", "name": "one"}]
    assert "named twice" in refusal(now, services=services)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_ITEM = st.dictionaries(
    st.sampled_from(["action", "name", "host", "auth", "key", "type", "value", "oauth", "rules"]),
    _JSON | st.sampled_from(["set", "delete", "KEY_A", "a.example.com", "oauth"]),
)


@given(st.fixed_dictionaries({}, optional={"services": st.lists(_ITEM | _JSON, max_size=3),
       "credentials": st.lists(_ITEM | _JSON, max_size=3), "message": _JSON}))  # fmt: skip
def test_whatever_is_sent_is_read_or_refused(body: dict[str, Any]) -> None:
    """No document ends in another error, and what is read can be stored and read again."""
    now = vault(document("api", "a.example.com"))
    with contextlib.suppress(VaultError):
        found, _ = parse_proposal(body, now)
        assert stored_proposal(proposal_document(found)) == found
