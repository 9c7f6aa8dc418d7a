"""What a person reads who follows events or requests."""

from proxy_core.client.sse import Connected, Disconnected, Lost, Note
from vault_tui.cli.watching.following import once_an_outage


def test_an_outage_is_told_once() -> None:
    """Each further attempt is silent, until the worker was there again."""
    gone = Disconnected("Gone.")
    notes: list[Note] = [Connected(), gone, gone, gone, Connected(), Lost(2), gone, gone]
    told = [Connected(), gone, Connected(), Lost(2), gone]
    assert list(once_an_outage(iter(notes))) == told
