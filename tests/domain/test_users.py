"""What users may be called, and what their passwords must be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.users import check_password, normal_email, password_bytes


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ada", "ada"),
        (" Ada@Example.COM ", "ada@example.com"),
        ("a.b+c_d%e-f@sub.example.co", "a.b+c_d%e-f@sub.example.co"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_names_are_compared_in_lower_case(text: str, name: str) -> None:
    """E-mail addresses and login names, as they are stored."""
    assert normal_email(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "me",
        "invites",
        "two words",
        "a@b@c",
        "@example.com",
        "ada@",
        "ada@-x.com",
        "ada@x..com",
        ".ada",
        "\u0430da",  # a Cyrillic letter that looks like one of ours
        "ada\x1b[2J",
        "ada/bob",
        "a" * 65 + "@example.com",
        "ada@" + "x" * 260,
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """Look-alikes, control characters, and words that stand in paths."""
    with pytest.raises(VaultError) as caught:
        normal_email(text)
    assert caught.value.code == "bad_request"


@given(st.text(max_size=40))
def test_a_name_is_safe_anywhere(text: str) -> None:
    """Whatever is let through is lower-case ASCII without spaces, and stays as it is."""
    try:
        name = normal_email(text)
    except VaultError:
        return
    assert name.isascii()
    assert name == name.lower()
    assert not set(name) & set(" /\\\t\n\"'<>?#")
    assert normal_email(name) == name


@pytest.mark.parametrize(
    "password", ["", "1234567", "x" * 1025, "ada@example.com", "ADA@example.com"]
)
def test_an_unfit_password_is_refused_unseen(password: str) -> None:
    """Too short, too long, or the name itself; the refusal does not quote it."""
    with pytest.raises(VaultError) as caught:
        check_password(password, "ada@example.com")
    assert not password or password not in str(caught.value)


def test_any_character_may_be_in_a_password() -> None:
    """Spaces and other scripts too; what UTF-8 can't spell crashes nothing."""
    assert check_password("Stra\u00dfe \u2603 1", "ada") == "Stra\u00dfe \u2603 1".encode()
    assert password_bytes("\ud800") == b"\xed\xa0\x80"
