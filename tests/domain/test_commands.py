"""Commands: what may be set, what an approval covers, which part of the output is the value."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain.commands import (
    MAX_OUTPUT,
    Command,
    OutputError,
    check_command,
    command_of,
    digest,
    environment,
    value_of,
)

OP = Command(("op", "read", "op://Work/GitHub/token"))


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": ()},
        {"argv": ("",)},
        {"argv": ("op", "a\nb")},
        {"argv": ("op", "\x1b[2J")},
        {"argv": ("op", "\u202etxt")},
        {"argv": ("op", "a\0b")},
        {"argv": ("op",) * 65},
        {"argv": ("op", "x" * 4097)},
        {"ttl": 0},
        {"ttl": 86401},
        {"timeout": 26},
        {"json_path": "a\nb"},
        {"env": ("A=B",)},
        {"env": ("",)},
        {"env": ("VAULT_TUI_MASTER_PASSWORD_FILE",)},
        {"env": tuple(f"V{number}" for number in range(33))},
    ],
)
def test_what_can_not_be_read_or_bounded_is_refused(changes: dict[str, object]):
    """What an operator approves must look like what runs, and must not get our own secrets."""
    document = {**OP.document(), **changes}
    with pytest.raises(VaultError) as caught:
        check_command(command_of(document))
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": ("op", "read", "op://Work/GitHub/other")},
        {"argv": ("op", "read op://Work/GitHub/token")},
        {"json_path": "a"},
        {"env": ("OP_TOKEN",)},
        {"ttl": 301},
        {"keep_newline": True},
    ],
)
def test_an_approval_covers_one_command_alone(changes: dict[str, object]):
    """Any change is another command, and so is another file behind the name."""
    other = command_of({**OP.document(), **changes})
    assert digest(other, "/usr/bin/op") != digest(OP, "/usr/bin/op")
    assert digest(OP, "/usr/local/bin/op") != digest(OP, "/usr/bin/op")
    assert digest(command_of(OP.document()), "/usr/bin/op") == digest(OP, "/usr/bin/op")


def test_a_command_gets_the_named_variables_and_a_few_more():
    """None of the worker's own secrets come along."""
    own = {"PATH": "/bin", "HOME": "/h", "OP_TOKEN": "t", "AWS_KEY": "k", "VAULT_TUI_HOME": "/v"}
    command = Command(("op",), env=("OP_TOKEN", "NOT_SET"))
    assert environment(command, own) == {"PATH": "/bin", "HOME": "/h", "OP_TOKEN": "t"}


@pytest.mark.parametrize(
    ("output", "options", "value"),
    [
        (b"s3cret\n", {}, b"s3cret"),
        (b"s3cret\r\n", {}, b"s3cret"),
        (b"two\nlines\n\n", {}, b"two\nlines\n"),
        (b" s3cret \n", {}, b" s3cret "),
        (b"s3cret\n", {"keep_newline": True}, b"s3cret\n"),
        (b'{"data":{"data":{"pw":"x"}}}', {"json_path": "data.data.pw"}, b"x"),
        (b'{"data":{"data":{"pw":"x"}}}', {"json_path": "$.data.data.pw"}, b"x"),
        (b'{"a.b":["x",7]}', {"json_path": "/a.b/1"}, b"7"),
        (b'{"SecretString":"{\\"pw\\":\\"y\\"}"}', {"json_path": "SecretString.pw"}, b"y"),
    ],
)
def test_the_value_is_the_output_or_a_field_of_it(
    output: bytes, options: dict[str, object], value: bytes
):
    """One newline at the end goes; a string on the way of the path is read as JSON."""
    assert value_of(Command(("op",), **options), output) == value  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("output", "path"),
    [
        (b"", ""),
        (b"\n", ""),
        (b"a\0b", ""),
        (b"\xff\xfe", ""),
        (b"x" * (MAX_OUTPUT + 1), ""),
        (b"no json", "a"),
        (b"[" * 60_000, "a"),
        (b'{"a":{}}', "a"),
        (b'{"a":null}', "a"),
        (b'{"a":true}', "a"),
        (b'{"a":""}', "a"),
        (b'{"a":"\\ud800"}', "a"),
        (b'{"a":"x"}', "b"),
        (b"[1]", "1"),
        (b"[1]", "-1"),
        (b"[1]", "²"),
    ],
)
def test_output_that_is_no_value_is_refused_without_showing_it(output: bytes, path: str):
    """Empty, binary, endless, or without the field."""
    with pytest.raises(OutputError) as caught:
        value_of(Command(("op",), json_path=path), output)
    assert len(str(caught.value)) < 80


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(st.lists(NAMES, min_size=1, max_size=4), st.text(min_size=1, max_size=20))
def test_a_pointer_finds_any_field(names: list[str], value: str):
    """RFC 6901 spells every name; what is found is what is there."""
    found: object = value
    for name in reversed(names):
        found = {name: found}
    path = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    command = Command(("op",), json_path=path, keep_newline=True)
    output = json.dumps(found).encode()
    try:
        expected = value.encode()
    except UnicodeEncodeError:
        expected = b""
    if expected and b"\0" not in expected:
        assert value_of(command, output) == expected
    else:
        with pytest.raises(OutputError):
            value_of(command, output)


@given(st.binary(max_size=200), st.text(max_size=20))
def test_no_output_breaks_the_reading(output: bytes, path: str):
    """A value, or a reason why there is none."""
    with suppress(OutputError):
        assert value_of(Command(("op",), json_path=path), output)
