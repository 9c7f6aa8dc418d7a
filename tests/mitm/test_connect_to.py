"""The connect-to table."""

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.mitm.connect_to import ConnectToTable, Destination


@pytest.mark.parametrize(
    ("entry", "host", "port", "expected"),
    [
        ("a.example:443:b.example:8443", "a.example", 443, Destination("b.example", 8443, True)),
        ("A.Example.:443:127.0.0.1:8443", "a.EXAMPLE", 443, Destination("127.0.0.1", 8443, True)),
        ("a.example:443:127.0.0.1:1", "a.example", 80, Destination("a.example", 80, False)),
        ("a.example:443:127.0.0.1:1", "b.example", 443, Destination("b.example", 443, False)),
        (":443:127.0.0.1:1", "any.example", 443, Destination("127.0.0.1", 1, True)),
        ("a.example::127.0.0.1:1", "a.example", 5, Destination("127.0.0.1", 1, True)),
        ("::127.0.0.1:1", "any.example", 5, Destination("127.0.0.1", 1, True)),
        ("a.example:443:127.0.0.1:", "a.example", 443, Destination("127.0.0.1", 443, True)),
        ("a.example:443::8443", "a.example", 443, Destination("a.example", 8443, False)),
        ("a.example:443::", "a.example", 443, Destination("a.example", 443, False)),
        ("[2001:db8::1]:443:[::1]:8443", "2001:db8::1", 443, Destination("::1", 8443, True)),
    ],
)
def test_entries_mean_what_curls_do(
    entry: str, host: str, port: int, expected: Destination
) -> None:
    """Empty parts match anything on the left and keep what was asked for on the right."""
    assert ConnectToTable.parse([entry]).destination(host, port) == expected


def test_first_match_counts() -> None:
    """Order decides between entries that both match."""
    table = ConnectToTable.parse(["a.example:443:one:1", ":443:two:2"])
    assert table.destination("a.example", 443).host == "one"
    assert table.destination("b.example", 443).host == "two"


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "a",
        "a:1",
        "a:1:b",
        "a:1:b:2:3",
        "a:x:b:1",
        "a:1:b:65536",
        "a:1:::1:2",
        "a b:1:c:2",
        "[::1:1:b:2",
    ],
)
def test_malformed_entries_are_refused(entry: str) -> None:
    """A table that can't be read is not started with."""
    with pytest.raises(VaultError) as caught:
        ConnectToTable.parse([entry])
    assert caught.value.code == "bad_request"
