"""The gateway protocol's codes, forms, names and checksums."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain import claude_gateway as protocol
from proxy_core.domain.claude_gateway import OAuthRefusal
from proxy_core.domain.names import is_slug

CODES = st.text(protocol.CODE_LETTERS, min_size=8, max_size=8).map(protocol.shown_code)


@given(CODES, st.sampled_from([str, str.lower, lambda code: code.replace("-", " ")]))
def test_a_code_is_read_however_it_is_typed(code: str, typed: Any) -> None:
    """In small letters, with a blank, or as it is shown."""
    assert protocol.normal_code(f" {typed(code)} ") == code


@pytest.mark.parametrize("text", ["", "WDJB", "WDJB-MJHA", "WDJB-MJHT-X", "ẆDJB-MJHT", "W" * 99])
def test_what_is_no_code(text: str) -> None:
    """Vowels, other alphabets and other lengths."""
    assert protocol.normal_code(text) == ""


def test_a_form_is_read_strictly_where_it_matters() -> None:
    """Unknown fields are no harm, empty ones are none, repeated ones are refused."""
    assert protocol.form_of(b"a=1&b=%20x&c=") == {"a": "1", "b": " x"}
    assert protocol.form_of(b"") == {}
    for body in (b"a=1&a=2", "ä=1".encode(), b"&".join(b"a%d=1" % one for one in range(40))):
        with pytest.raises(OAuthRefusal) as caught:
            protocol.form_of(body)
        assert caught.value.document["error"] == "invalid_request"


@given(st.text(max_size=40), st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
def test_a_new_agents_name_is_always_one(email: str, address: str) -> None:
    """Whatever stands in the e-mail or the address; there is room for a number behind it."""
    assert is_slug(protocol.agent_name_for(email, address) + "-99")


def test_agents_are_named_after_people() -> None:
    """And else after the address."""
    assert protocol.agent_name_for("Ada.Lovelace@example.com", "10.0.0.7") == "ada-lovelace"
    assert protocol.agent_name_for("jo@example.com", "10.0.0.7") == "claude-jo"
    assert protocol.agent_name_for("", "10.0.0.7") == "claude-10-0-0-7"


@pytest.mark.parametrize("text", ["ada", "a b@example.com", "a@b\n", "é@example.com", "a@" * 200])
def test_what_is_no_email(text: str) -> None:
    """It is shown on another machine's screen: one word of ASCII."""
    if text == "a@b\n":
        assert protocol.check_email(text) == "a@b"
        return
    with pytest.raises(VaultError):
        protocol.check_email(text)


def test_the_checksum_is_as_the_client_computes_it() -> None:
    """Keys in order at each level, by UTF-16; no blanks; numbers as JavaScript writes them."""
    settings = {"b": [1.0, {"z": None, "y": True}], "a": "Ä", "\U0001f600": 1, "\ufb00": 2}
    text = '{"a":"Ä","b":[1,{"y":true,"z":null}],"\U0001f600":1,"\ufb00":2}'
    assert protocol.canonical(settings) == text
    assert protocol.checksum(settings) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", max_size=3), VALUES, max_size=4))
def test_a_checksum_says_nothing_of_the_order(settings: dict[str, Any]) -> None:
    """And is that of the document when it is read again."""
    turned = dict(reversed(list(settings.items())))
    again = json.loads(json.dumps(settings))
    assert protocol.checksum(settings) == protocol.checksum(turned) == protocol.checksum(again)


@pytest.mark.parametrize(
    "settings", [{"a": "\ud800"}, {"a": float("nan")}, {"a": "x" * (256 * 1024)}]
)
def test_settings_that_cannot_be_given(settings: dict[str, Any]) -> None:
    """Lone surrogates, no numbers, too much."""
    with pytest.raises(VaultError):
        protocol.check_settings(settings)


@pytest.mark.parametrize(
    ("field", "found"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", False), ("", False), ("a", False)],
)
def test_a_known_version_is_told_by_its_tag(field: str, found: bool) -> None:
    """A star asks only whether there is one, so it is answered in full."""
    assert protocol.matches(field, '"a"') is found
