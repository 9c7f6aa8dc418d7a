"""`service hosts` and `service draft` against a real worker."""

import json
from pathlib import Path

import yaml

from tests.cli.conftest import CommandLine


def test_a_draft_of_a_known_host_comes_from_the_catalog(vault_tui: CommandLine) -> None:
    """As YAML that `service set` would take; comments say where it is from."""
    printed = vault_tui.ok("service", "draft", "api.github.com")
    assert printed.startswith("# from the catalog: GitHub")
    document = yaml.safe_load(printed)
    assert (document["host"], document["auth"]["type"]) == ("api.github.com", "bearer")


def test_a_draft_is_stored_when_it_is_saved(vault_tui: CommandLine, tmp_path: Path) -> None:
    """Of an unknown host, whose credential the editor names; unsaved it is not."""
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/NAME_OF_A_CREDENTIAL/MINE/ "$1"\n')
    editor.chmod(0o700)
    draft = ("service", "draft", "drafted.example:8443", "--edit")
    assert "Stored" in vault_tui.ok(*draft, VISUAL=str(editor))
    listed = json.loads(vault_tui.ok("service", "list", "--json"))["services"]
    (found,) = (one for one in listed if one["host"] == "drafted.example:8443")
    assert found["auth"] == {"type": "bearer", "token": "MINE"}
    vault_tui.ok("service", "remove", found["name"])
    assert "Not saved" in vault_tui.ok(*draft, VISUAL="true")
    assert "drafted.example" not in vault_tui.ok("service", "list")


def test_hosts_without_a_service_are_listed(vault_tui: CommandLine) -> None:
    """For scripts too; a bad host is refused in words."""
    assert isinstance(json.loads(vault_tui.ok("service", "hosts", "--json"))["hosts"], list)
    refused = vault_tui("service", "draft", "a:b:c")
    assert refused.returncode != 0
    assert "several colons" in refused.stderr
