"""`credential set-command|approve|test` against a real worker and a real program."""

import json
import sys
from pathlib import Path

from tests.cli.conftest import CommandLine


def test_a_command_from_beginning_to_end(vault_tui: CommandLine, tmp_path: Path) -> None:
    """Set, looked at, approved, tried, listed; its value is nowhere in what is printed."""
    tool = tmp_path / "op"
    tool.write_text(
        f"#!{Path(sys.executable).resolve()} -IS\n"
        'import sys; assert sys.argv[1] == "read"\n'
        'print(\'{"data": {"token": "a-secret-value"}}\')\n'
    )
    tool.chmod(0o755)
    set_it = ("credential", "set-command", "TOLD_TOKEN", "--ttl", "60", "--json-path")
    said = vault_tui.ok(*set_it, "data.token", "--", str(tool), "read", "--flag")
    assert "vault-tui credential approve TOLD_TOKEN --vault default" in said
    early = vault_tui("credential", "test", "TOLD_TOKEN")
    assert (early.returncode, "approved" in early.stderr) == (1, True)
    unasked = vault_tui("credential", "approve", "TOLD_TOKEN")
    assert (unasked.returncode, "--yes" in unasked.stderr) == (2, True)
    assert f"{tool} read --flag" in unasked.stdout
    assert vault_tui.ok("credential", "approve", "TOLD_TOKEN", "--yes").endswith(
        "Approved TOLD_TOKEN.\n"
    )
    assert "TOLD_TOKEN has a value" in vault_tui.ok("credential", "test", "TOLD_TOKEN")
    listed = vault_tui.ok("credential", "list", "--reveal", "--json")
    found = next(c for c in json.loads(listed)["credentials"] if c["key"] == "TOLD_TOKEN")
    assert found["command"] == [str(tool), "read", "--flag"]
    assert "a-secret-value" not in listed
