"""A worker elsewhere whose every text steers a terminal: nothing of it gets there as it came."""

import re
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect as shapes
import pytest

from proxy_core.client.calls import Call
from proxy_core.client.sync_client import SyncClient
from tests.cli.people.test_users import Machine

BAD = "\x1b]0;taken\x07\x1b[2J\u202eevil\r\nline"
STEERS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
COMMANDS = (
    "account list",
    "agent create x1 --vault default",
    "agent info x1",
    "agent list",
    "agent rotate x1",
    "audit",
    "audit verify",
    "ca",
    "config list",
    "credential history K",
    "credential list",
    "discover",
    "grant list",
    "hold list",
    "logs",
    "pool list",
    "proposal list",
    "proposal show 1",
    "session create",
    "session list",
    "status",
    "user invite x@y.example",
    "user list",
    "user sessions",
    "vault list",
    "webhook add https://x.example/",
    "webhook list",
)


def hostile(shape: shapes.Type) -> Any:
    """A value of a type, as it goes over the wire, with every text a hostile one."""
    if isinstance(shape, shapes.StructType):
        fields = {one.encode_name: hostile(one.type) for one in shape.fields}
        return {**fields, **({shape.tag_field: shape.tag} if shape.tag_field else {})}
    if isinstance(shape, shapes.ListType | shapes.VarTupleType | shapes.SetType):
        return [hostile(shape.item_type)]
    if isinstance(shape, shapes.DictType):
        return {hostile(shape.key_type): hostile(shape.value_type)}
    if isinstance(shape, shapes.UnionType):
        return hostile(next(one for one in shape.types if not isinstance(one, shapes.NoneType)))
    if isinstance(shape, shapes.EnumType):
        return next(iter(shape.cls)).value
    if isinstance(shape, shapes.BoolType):
        return True
    return 1 if isinstance(shape, shapes.IntType | shapes.FloatType) else BAD


@pytest.fixture
def there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Machine:
    """A command line whose worker elsewhere answers so, whatever is asked."""

    def send(_: SyncClient, call: Call[Any]) -> Any:
        wanted = call.result_type
        return msgspec.convert(hostile(shapes.type_info(wanted)), wanted, strict=False)

    monkeypatch.setattr(SyncClient, "send", send)
    return Machine(tmp_path / "home", monkeypatch, capsys, "http://127.0.0.1:9")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_answer_steers_the_terminal(there: Machine, command: str) -> None:
    """Times, tokens and states no more than names: all of it is shown as what it is."""
    said = there(*command.split(), token="vt_user_" + "0" * 64)
    assert STEERS.search(said) is None, ascii(said)
    assert "evil" in said
