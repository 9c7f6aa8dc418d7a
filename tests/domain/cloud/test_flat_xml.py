"""XML from outside: its leaves, and what is refused of it."""

import pytest

from proxy_core.domain.cloud.flat_xml import MAX_BYTES, MAX_DEPTH, MAX_LEAVES, MAX_NAME, leaves

_BOMB = (
    '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;">'
    '<!ENTITY z "&y;&y;&y;&y;&y;&y;&y;&y;">]><a><b>&z;</b></a>'
)
_FILE = '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a><b>&f;</b></a>'


def test_leaves_are_found_by_their_path() -> None:
    """Whatever the namespace, the order, comments and the white space around them."""
    text = (
        '<?xml version="1.0"?>\n<n:A xmlns:n="u:x"><!-- b --><n:B k="v"> 1\n<![CDATA[<2>]]></n:B>'
        "<C><D/></C><n:E>&amp;&#233;</n:E></n:A>"
    )
    assert leaves(text.encode()) == {"A/B": "1\n<2>", "A/C/D": "", "A/E": "&é"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no XML"),
        ("<a><b></a>", "no XML"),
        ("<a/><a/>", "no XML"),
        ('{"a": 1}', "no XML"),
        ("<a>&unknown;</a>", "no XML"),
        ("<a>\x00</a>", "no XML"),
        (_BOMB, "document type"),
        (_FILE, "document type"),
        ("<!DOCTYPE a SYSTEM 'https://evil.example/a.dtd'><a/>", "document type"),
        ("<a>" * (MAX_DEPTH + 1), "deeper"),
        ("<a><b>1</b><b>2</b></a>", "one place"),
        (f"<{'a' * (MAX_NAME + 1)}/>", "longer"),
        (f"<a>{''.join(f'<b{n}/>' for n in range(MAX_LEAVES + 1))}</a>", "leaves"),
        (f"<a>{' ' * MAX_BYTES}</a>", "more than"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    """Everything that is more than a small tree of texts, and the error shows none of it."""
    with pytest.raises(ValueError, match=why) as caught:
        leaves(text.encode())
    assert "evil" not in str(caught.value)
    assert caught.value.__context__ is None


def test_another_encoding_is_refused() -> None:
    """Whatever the document says of itself."""
    text = '<?xml version="1.0" encoding="latin-1"?><a><b>é</b></a>'
    with pytest.raises(ValueError, match="no XML"):
        leaves(text.encode("latin-1"))
