"""`audit` and `audit verify` against a real worker."""

import json
import re

from tests.cli.conftest import CommandLine

SECRET = "sk-not-to-be-seen-0123456789"


def test_the_audit_is_shown_filtered_and_verified(vault_tui: CommandLine) -> None:
    """Who, what, where; as lines and as JSON; whole, with a head to note down."""
    vault_tui.ok("credential", "set", "AUDITED", stdin=SECRET)
    told = vault_tui.ok("audit", "--action", "credential.", "--since", "1h", "-q", "audited")
    assert re.search(r"operator \w+.*credential\.set.*AUDITED.*in default.*from uid \d+", told)
    (line,) = vault_tui.ok("audit", "-q", "audited", "--limit", "1", "--json").splitlines()
    entry = json.loads(line)
    assert (entry["action"], entry["after"]["value"]) == ("credential.set", "changed")
    assert SECRET not in told + line
    verified = json.loads(vault_tui.ok("audit", "verify", "--json"))
    assert verified["ok"]
    assert "are as they were written" in vault_tui.ok(
        "audit", "verify", "--noted", verified["head"]
    )


def test_a_head_that_does_not_fit_exits_with_1(vault_tui: CommandLine) -> None:
    """What was noted down is not what stands there: the audit was tampered with."""
    done = vault_tui("audit", "verify", "--noted", f"1:{'0' * 64}")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        1,
        "Entry 1 is not the one that was noted.",
    )


def test_nobody_reads_it_without_a_proof(vault_tui: CommandLine) -> None:
    """A process of the same user has to unlock first."""
    done = vault_tui.as_peer("audit")
    assert done.returncode == 5
    assert not done.stdout


def test_a_time_that_makes_no_sense_is_a_usage_error(vault_tui: CommandLine) -> None:
    """--since is a span or a moment."""
    assert vault_tui("audit", "--since", "yesterday").returncode == 2
