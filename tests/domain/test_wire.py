"""The API's bodies: what their reprs show."""

from typing import Any

import msgspec
import pytest

from proxy_core.domain import wire

SECRET = "s3cret-value"
HOLDERS: list[msgspec.Struct] = [
    wire.InitRequest(slot="password", secret=SECRET),
    wire.KeyProof(slot="password", secret=SECRET),
    wire.OperatorSession(token=SECRET, expires_at="soon"),
    wire.SetCredentials(credentials={"API_KEY": SECRET}),
    wire.SessionCreated(id="1", token=SECRET, expires_at="soon", av_addr="http://x"),
    wire.AgentCreated(
        av_agent_token=SECRET, name="bot", role="member", vaults=[], created_at="now"
    ),
]


def test_reprs_cover_every_field_that_holds_a_secret() -> None:
    """A new struct with a field of such a name is covered by being one of the two bases."""
    structs = [
        kind
        for kind in vars(wire).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    ]
    named = [kind for kind in structs if {"secret", "token", "value"} & {*kind.__struct_fields__}]
    assert all(issubclass(kind, wire.Request | wire.Response) for kind in named)


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_a_repr_shows_no_secret(holder: Any) -> None:
    """Neither a traceback's locals nor a debugging console print what a body carries."""
    assert SECRET not in repr(holder)
    assert SECRET not in str(list(holder.__rich_repr__()))
    assert SECRET.encode() in msgspec.json.encode(holder)


def test_a_repr_shows_the_rest() -> None:
    """Names stay readable, and what is nested is as discreet."""
    assert repr(wire.SetCredentials(credentials={"API_KEY": SECRET})) == (
        "SetCredentials(credentials={'API_KEY': '…'}, vault='default')"
    )
    one = wire.CredentialInfo(
        key="API_KEY", type="static", version=1, created_at="a", updated_at="b", value=SECRET
    )
    shown = repr(wire.CredentialList(keys=["API_KEY"], credentials=[one]))
    assert "API_KEY" in shown
    assert SECRET not in shown
