"""What is told of events, and what of them never leaves."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.events import EventType
from proxy_core.domain.notices import (
    KINDS,
    PAUSES,
    Format,
    Notice,
    body_of,
    check_subjects,
    is_passing,
    is_wanted,
    notice_of,
    pause_before,
    signature,
)

AT = 1_750_000_000.0
PROPOSAL = EventType.PROPOSAL_CREATED.value


def notice(type: str = PROPOSAL, /, **data: Any) -> Notice:
    """A notice of an event."""
    return notice_of(
        "N1", type, AT, {"id": 3, "vault": "default", **data}, "https://v.test/approve"
    )


def slack(found: Notice) -> str:
    """The text as Slack gets it."""
    written = json.loads(body_of(found, Format.SLACK))
    assert list(written) == ["text"]
    return str(written["text"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_in_a_sentence(kind: str) -> None:
    """Even of an event that lacks its fields."""
    found = notice_of("N1", kind, AT, {"id": 1})
    assert found.type == kind
    assert found.at == "2025-06-15T15:06:40.000Z"
    assert found.summary


def test_a_field_that_is_not_listed_stays_inside() -> None:
    """New fields of events do not leave by themselves."""
    assert "hush" not in body_of(notice(private="hush"), Format.JSON).decode()


@pytest.mark.parametrize("kind", [EventType.PROPOSAL_APPLIED, EventType.REQUEST_HELD])
def test_only_what_waits_has_an_address(kind: EventType) -> None:
    """There is nothing to decide on a proposal that has ended."""
    assert notice().url == "https://v.test/approve/3?vault=default"
    assert notice(kind.value).url == ""


@pytest.mark.parametrize("place", ["agent", "services", "by"])
@pytest.mark.parametrize(
    "hostile",
    [
        "<!channel> look",
        "<@U123> look",
        "<https://evil.test|Approve>",
        "[Approve](https://evil.test)",
        "@everyone @here @channel",
        "&lt;!here&gt;",
        "a\nb\r\n\u2028<!everyone>",
        "\x1b]52;c;AAAA\x07",
        "\u202e<!here>",
    ],
)
def test_hostile_names_mention_nobody_and_link_nowhere(place: str, hostile: str) -> None:
    """Agents choose their names and those of services."""
    value = [hostile] if place == "services" else hostile
    text = slack(notice(**{place: value}))
    body, _, link = text.rpartition("\n")
    assert link == "<https://v.test/approve/3?vault=default|Decide>"
    _inert(body)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_at_all_mentions_anybody(agent: str, service: str) -> None:
    """Whatever is in a name, the text holds one link: ours."""
    text = slack(notice(agent=agent, services=[service]))
    body, _, _ = text.rpartition("\n")
    _inert(body)


def _inert(body: str) -> None:
    assert "<" not in body
    assert ">" not in body
    assert "\n" not in body
    assert not re.search(r"@\w", body)
    assert "](" not in body
    assert "://" not in body
    assert not re.search(r"&(?!(amp|lt|gt);)", body)
    assert body.replace("\u200b", "").isprintable()


@given(st.text(max_size=400))
def test_plain_json_says_the_same_as_the_event(name: str) -> None:
    """The body is one JSON object with the documented fields, whatever the names."""
    written = json.loads(body_of(notice(agent=name), Format.JSON))
    assert set(written) == {"id", "type", "at", "vault", "summary", "url", "data"}
    assert len(written["data"]["agent"]) <= 300


@pytest.mark.parametrize("format", list(Format))
def test_a_devices_code_stays_inside(format: Format) -> None:
    """Whoever reads the notice can't approve from it: the code is read from the device's screen."""
    data = {"id": "WDJB-MJHT", "name": "claude-code/2.1 <!here>", "address": "10.0.0.7"}
    found = notice_of(
        "N1", EventType.DEVICE_REQUESTED, AT, {**data, "by": data["name"]}, "https://x"
    )
    written = body_of(found, format).decode()
    assert "10.0.0.7" in written
    assert found.url == ""
    for part in ("WDJB", "MJHT"):
        assert part not in written.upper()
    if format is Format.SLACK:
        _inert(slack(found))


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ("claude-code/2.1.330", "claude-code/2.1.330"),
        ("claude-code/2.1 (external, cli)", "claude-code/2.1"),
        ("Run vault-tui device approve WDJB-MJHT now:", "Run"),
        ("approve:wdjbmjht", "unknown"),
        ("approve_WDJB_MJHT", "unknown"),
        ("a" * 80, "a" * 40),
        ("", "unknown"),
    ],
)
def test_a_device_has_its_programs_name_and_no_words_of_its_own(client: str, told: str) -> None:
    """A stranger who knows the code of another request says nothing to whoever approves."""
    found = notice_of("N1", EventType.DEVICE_REQUESTED, AT, {"name": client, "address": "10.0.0.7"})
    assert found.summary.startswith(f"{told} at 10.0.0.7 asks")
    assert found.data["name"] == ("" if told == "unknown" else told)


def test_lists_and_texts_are_bounded() -> None:
    """A proposal of a thousand services makes a notice of a few lines."""
    found = notice(services=["s" * 1000] * 1000)
    assert len(body_of(found, Format.JSON)) < 20_000


def test_subjects() -> None:
    """Types, families, or everything."""
    assert check_subjects([]) == ["*"]
    assert check_subjects(["proposal.*", "proposal.*"]) == ["proposal.*"]
    assert is_wanted(["proposal.*"], "proposal.expired")
    assert not is_wanted(["proposal.*"], "request.held")
    assert is_wanted(["request.held"], "request.held")
    assert is_wanted(["*"], "worker.sealed")


@pytest.mark.parametrize(
    "subject", ["request.finished", "", "proposal", "*.created", "credential.*"]
)
def test_subjects_that_are_not_told(subject: str) -> None:
    """A misspelling is refused, so that nobody waits in vain."""
    with pytest.raises(VaultError) as caught:
        check_subjects([subject])
    assert caught.value.code == "bad_request"


def test_signature() -> None:
    """HMAC-SHA256 over time, a point and the body: computed elsewhere (openssl)."""
    assert signature(["whsec_a"], 1750000000, b'{"a":1}') == (
        "t=1750000000,v1=0aa78a316fa0660d09a5ee0085baa8afb2ce845cca5b062e9024b3608a54e054"
    )
    assert signature(["a", "b"], 1, b"").count(",v1=") == 2


def test_persistence() -> None:
    """What may pass is asked again, later and later, and as the receiver asks within reason."""
    assert [status for status in (0, 200, 302, 404, 408, 410, 429, 500) if is_passing(status)] == [
        0,
        408,
        429,
        500,
    ]
    assert pause_before(0, None) == PAUSES[0]
    assert pause_before(0, 60.0) == 60.0
    assert pause_before(3, 1.0) == PAUSES[3]
    assert pause_before(0, 1e9) == 600.0
