"""What the tables of accounts say beside their rows."""

import pytest

from proxy_core.base.clock import FakeClock
from tests.console.fake_accounts import FakeAccounts
from vault_tui.cli.accounts.account_tables import emit_accounts


def test_a_failing_refresh_is_told_though_the_token_serves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Below the table, for the state alone says that the account can be used."""
    worker = FakeAccounts(FakeClock())
    failing = worker.account("work", last_error="http_503: come back \x1b]52;later")
    emit_accounts([failing, worker.account("spare")], "none")
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "work: its token was not renewed: http_503: come back \\x1b]52;later"
