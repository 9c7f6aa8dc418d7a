"""Files edited in place: what was not edited keeps its bytes."""

import json
import shutil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from vault_tui.setup.documents import ABSENT, open_document

SETTINGS = """{
  // Editor
  "a": 1, // note
  "http.proxy": "", /* old */
  "nested": { "one": [1, 2,], },
}
"""
names = st.text(max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(names, values, max_size=4)


@given(objects, st.sampled_from([None, 2, "\t"]), names, values)
def test_a_key_that_is_set_and_removed_leaves_the_object(
    content: dict[str, Any], indent: int | str | None, name: str, value: Any
) -> None:
    """Whatever the layout: the others' values stay, and the new one is read back."""
    document = open_document("json", json.dumps(content, indent=indent), "f")
    document.set((name,), value)
    assert json.loads(document.text) == content | {name: value}
    assert document.get((name,)) == value
    document.remove((name,))
    assert json.loads(document.text) == {k: v for k, v in content.items() if k != name}


@given(objects)
def test_nothing_set_is_nothing_changed(content: dict[str, Any]) -> None:
    """Reading alone leaves every byte."""
    text = json.dumps(content, indent=3, ensure_ascii=False)
    assert open_document("json", text, "f").text == text


def test_comments_and_trailing_commas_stay() -> None:
    """As VS Code writes them; a new key goes to the end, in the others' layout."""
    document = open_document("jsonc", SETTINGS, "f")
    document.set(("http.proxy",), "http://p")
    document.set(("env", "X"), "y")
    assert document.text == SETTINGS.replace('""', '"http://p"').replace(
        '  "nested": { "one": [1, 2,], },\n',
        '  "nested": { "one": [1, 2,], },\n  "env": {\n    "X": "y"\n  },\n',
    )
    document.remove(("env",))
    document.set(("http.proxy",), "")
    assert document.text == SETTINGS


def test_a_last_member_with_a_comment_keeps_it() -> None:
    """The comma goes before the comment, and away again."""
    text = '{\n  "a": 1 // note\n}\n'
    document = open_document("jsonc", text, "f")
    document.set(("b",), 2)
    assert document.text == '{\n  "a": 1, // note\n  "b": 2\n}\n'
    document.remove(("b",))
    assert document.text == text


def test_many_comments_cost_what_they_are_long() -> None:
    """Whether they are closed or not."""
    closed = "{" + "/**/" * 2000 + '"a": 1}'
    document = open_document("jsonc", closed, "f")
    document.set(("b",), 2)
    assert document.text == closed.replace("1}", '1, "b": 2}')
    with pytest.raises(VaultError):
        open_document("jsonc", "{/*" * 20_000, "f")


def test_line_ends_a_mark_and_an_empty_file() -> None:
    """CRLF and a byte order mark stay; nothing at all is an empty object."""
    document = open_document("json", '\ufeff{\r\n\t"a": 1\r\n}\r\n', "f")
    document.set(("b", "c"), True)
    assert document.text == '\ufeff{\r\n\t"a": 1,\r\n\t"b": {\r\n\t\t"c": true\r\n\t}\r\n}\r\n'
    assert open_document("json", " \n", "f").text == "{}\n"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"a": 1,}',
        '{"a": 1} x',
        '{"a": 1 // c\n}',
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": 01}',
        '{"a": "\n"}',
        '{"a": "\\x"}',
        '{"a" 1}',
        '{"a": ',
        "{'a': 1}",
        '{"a": ' + "[" * 101 + "]" * 101 + "}",
        '{"a": ' + "[" * 5000,
        '{"a": ' + "9" * 5000 + "}",
        "\0",
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """Without quoting it; comments are an editor's alone."""
    with pytest.raises(VaultError, match=r"f was left as it is: it is no JSON, line \d+") as caught:
        open_document("json", text, "f")
    assert caught.value.code == "conflict"


@pytest.mark.parametrize(
    ("kind", "text", "keys"),
    [("json", '{"env": 1}', ("env", "X")), ("toml", "env = 1\n", ("env", "X"))],
)
def test_a_value_in_the_way_is_refused(kind: str, text: str, keys: tuple[str, ...]) -> None:
    """It is somebody's, and not ours to replace."""
    document = open_document(kind, text, "f")
    assert document.get(keys) is ABSENT
    document.remove(keys)
    with pytest.raises(VaultError, match="env in it is no"):
        document.set(keys, "x")
    assert document.text == text


def test_toml_keeps_comments_and_order() -> None:
    """A top-level key stands before the tables; a removed table leaves no trace of itself."""
    text = '# mine\nmodel = "x"  # note\n\n[tui]\ntheme = 1\n'
    document = open_document("toml", text, "f")
    document.set(("model_provider",), "vault-tui")
    document.set(("model_providers", "vault-tui"), {"name": "V", "auth": {"args": ["a"]}})
    document.set(("model_providers", "vault-tui"), {"name": "W", "auth": {"args": ["a"]}})
    assert '# mine\nmodel = "x"  # note\nmodel_provider' in document.text
    assert '[model_providers.vault-tui]\nname = "W"' in document.text
    assert document.get(("model_providers", "vault-tui", "auth", "args")) == ["a"]
    document.remove(("model_providers", "vault-tui"))
    document.remove(("model_provider",))
    document.remove(("model_providers",))
    assert document.text.rstrip() == text.rstrip()


@pytest.mark.parametrize("text", ["a = ", "[a", "a = 1\na = 2\n", "\0"])
def test_what_is_no_toml_is_refused(text: str) -> None:
    """A file that its own program could not read either."""
    with pytest.raises(VaultError, match="it is no TOML"):
        open_document("toml", text, "f")


def test_env_lines() -> None:
    """The last line of a name counts; others, comments and quotes stay."""
    text = "# c\nexport A='x y'\nB=1\nB=2\nplain text"
    document = open_document("env", text, "f")
    assert (document.get(("A",)), document.get(("B",))) == ("x y", "2")
    document.set(("B",), "3")
    document.set(("C",), "http://t:v@h:1")
    document.set(("D",), "/with blank")
    assert document.text == (
        "# c\nexport A='x y'\nB=1\nB=3\nplain text\nC=http://t:v@h:1\nD='/with blank'\n"
    )
    document.remove(("B",))
    assert document.get(("B",)) is ABSENT
    with pytest.raises(VaultError, match="can't be written"):
        document.set(("A",), "it's")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_edits_its_own_configuration() -> None:
    """Comments and sections stay; what git can't read, and what stands twice, is refused."""
    text = "# mine\n[user]\n\tname = x ; y\n"
    document = open_document("git", text, "f")
    key = ("http", "https://git.example/", "proxy")
    document.set(key, 'http://a"b\\c:v@h')
    assert document.get(key) == 'http://a"b\\c:v@h'
    assert document.text.startswith(text)
    document.remove(key)
    assert document.text == text
    with pytest.raises(VaultError, match="git can't read it"):
        open_document("git", "[user\n", "f")
    twice = open_document("git", '[http "https://git.example/"]\n\tproxy = a\n\tproxy = b\n', "f")
    with pytest.raises(VaultError, match="more than once"):
        twice.set(key, "c")
