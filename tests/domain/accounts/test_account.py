"""Accounts: their states and their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.accounts.account import (
    NICKNAME_MAX,
    Account,
    AccountState,
    Condition,
    check_email,
    check_nickname,
    find_account,
    limited_families,
    nickname_for,
    standing,
)
from proxy_core.domain.accounts.cooling import Rest
from proxy_core.domain.accounts.windows import Window, WindowStatus

NOW = 1_750_000_000.0


def account(id: str = "01A", email: str = "ada@example.com", **more: object) -> Account:
    """One of vault v, with a login of its own."""
    values = {"nickname": email.partition("@")[0], **more}
    return Account(id, "v", "claude", f"login-{id}", email, **values)  # type: ignore[arg-type]


def full(name: str, resets_at: float) -> Window:
    """A window that is used up."""
    return Window(name, 1.0, resets_at, WindowStatus.REJECTED, NOW)


def test_states_in_their_order() -> None:
    """A broken login before a pause, a full window before a rest."""
    everything = Condition({"5h": full("5h", NOW + 50)}, Rest(NOW + 9, "busy"), connected=False)
    paused = account(paused=True)
    assert standing(paused, everything, NOW).state is AccountState.RECONNECT
    connected = Condition(everything.windows, everything.rest)
    assert standing(paused, connected, NOW).state is AccountState.PAUSED
    found = standing(account(), connected, NOW)
    assert (found.state, found.until) == (AccountState.EXHAUSTED, NOW + 50)
    found = standing(account(), Condition({}, Rest(NOW + 9, "busy")), NOW)
    assert (found.state, found.until, found.why) == (AccountState.COOLING, NOW + 9, "busy")
    assert standing(account(), Condition({}, Rest(NOW, "busy")), NOW).state is AccountState.ACTIVE


def test_exhausted_until_the_last_full_window_resets() -> None:
    """One that resets earlier is of no use while another is full."""
    windows = {"5h": full("5h", NOW + 50), "7d": full("7d", NOW + 500)}
    found = standing(account(), Condition(windows), NOW)
    assert (found.until, found.why) == (NOW + 500, "window 7d is used up")
    assert standing(account(), Condition(windows), NOW + 500).state is AccountState.ACTIVE


def test_a_familys_window_limits_that_family() -> None:
    """The account is active for everything else."""
    condition = Condition({"7d_opus": full("7d_opus", NOW + 50)})
    assert standing(account(), condition, NOW).state is AccountState.ACTIVE
    found = standing(account(), condition, NOW, "claude-opus-4-1")
    assert found.state is AccountState.EXHAUSTED
    assert limited_families(condition, NOW) == {"opus": NOW + 50}
    assert limited_families(condition, NOW + 50) == {}


@pytest.mark.parametrize(
    ("email", "taken", "nickname"),
    [
        ("ada@example.com", (), "ada"),
        ("ada@example.com", ("ADA",), "ada-2"),
        ("ada@example.com", ("ada", "ada-2"), "ada-3"),
        ("ada lovelace@example.com", (), "ada-lovelace"),
        ("", (), "account"),
        ("x" * 80 + "@example.com", (), "x" * 46),
    ],
)
def test_nicknames_from_emails(email: str, taken: tuple[str, ...], nickname: str) -> None:
    """The prefix, without blanks, numbered when it is taken."""
    assert nickname_for(email, taken) == nickname


@given(st.text(max_size=200), st.lists(st.text(max_size=10), max_size=5))
def test_a_made_up_nickname_is_valid(email: str, taken: list[str]) -> None:
    """And nobody's."""
    nickname = nickname_for(email, taken)
    assert check_nickname(nickname) == nickname
    assert len(nickname) <= NICKNAME_MAX
    assert nickname.lower() not in {name.lower() for name in taken}


@pytest.mark.parametrize("nickname", ["", "a b", "a\tb", "x" * 51, "a\x1b[31m", "a\u202eb"])
def test_nicknames_that_are_none(nickname: str) -> None:
    """Blanks, too long, not printable."""
    with pytest.raises(VaultError, match="nickname"):
        check_nickname(nickname)


@pytest.mark.parametrize("email", ["a b@x", "x" * 255, "a\x00@x"])
def test_emails_that_are_none(email: str) -> None:
    """What can't be shown or is no address at all."""
    with pytest.raises(VaultError):
        check_email(email)


KNOWN = [
    account("01ABC", "ada@example.com"),
    account("01ABD", "adam@example.com", nickname="work"),
    account("02XYZ", "zoe@example.com", nickname="ada@example.com"),
]


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("01abc", "01ABC"),
        ("ada@example.com", "01ABC"),
        ("ADA@EXAMPLE.COM", "01ABC"),
        ("ada", "01ABC"),
        ("work", "01ABD"),
        ("w", "01ABD"),
        ("adam", "01ABD"),
        ("02", "02XYZ"),
        ("zo", "02XYZ"),
    ],
)
def test_finding(text: str, id: str) -> None:
    """Id before e-mail before nickname before a prefix that only one has."""
    assert find_account(KNOWN, text).id == id


@pytest.mark.parametrize(
    ("text", "code"), [("01", "conflict"), ("nobody", "not_found"), ("", "not_found")]
)
def test_finding_none_or_several(text: str, code: str) -> None:
    """Said apart."""
    with pytest.raises(VaultError) as caught:
        find_account(KNOWN, text)
    assert caught.value.code == code
