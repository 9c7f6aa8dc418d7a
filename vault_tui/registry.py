"""The console's screens. A new one is one entry here: tab, key, palette, `:name` follow."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vault_tui.strings import common as strings

if TYPE_CHECKING:
    from vault_tui.screens.base import ConsoleScreen


@dataclass(frozen=True, slots=True)
class ScreenEntry:
    """`load` imports the screen when it is first shown."""

    id: str
    title: str
    help: str
    load: Callable[[], "ConsoleScreen"]


def _traffic() -> "ConsoleScreen":
    from vault_tui.screens.traffic import TrafficScreen

    return TrafficScreen()


def _proposals() -> "ConsoleScreen":
    from vault_tui.screens.proposals import ProposalsScreen

    return ProposalsScreen()


def _credentials() -> "ConsoleScreen":
    from vault_tui.screens.credentials import CredentialsScreen

    return CredentialsScreen()


def _services() -> "ConsoleScreen":
    from vault_tui.screens.services import ServicesScreen

    return ServicesScreen()


def _holds() -> "ConsoleScreen":
    from vault_tui.screens.holds import HoldsScreen

    return HoldsScreen()


def _accounts() -> "ConsoleScreen":
    from vault_tui.screens.accounts import AccountsScreen

    return AccountsScreen()


def _agents() -> "ConsoleScreen":
    from vault_tui.screens.agents import AgentsScreen

    return AgentsScreen()


def _events() -> "ConsoleScreen":
    from vault_tui.screens.audit import EventsScreen

    return EventsScreen()


def _settings() -> "ConsoleScreen":
    from vault_tui.screens.settings import SettingsScreen

    return SettingsScreen()


SCREENS: tuple[ScreenEntry, ...] = (
    ScreenEntry("traffic", *strings.SCREENS["traffic"], _traffic),
    ScreenEntry("proposals", *strings.SCREENS["proposals"], _proposals),
    ScreenEntry("holds", *strings.SCREENS["holds"], _holds),
    ScreenEntry("credentials", *strings.SCREENS["credentials"], _credentials),
    ScreenEntry("services", *strings.SCREENS["services"], _services),
    ScreenEntry("accounts", *strings.SCREENS["accounts"], _accounts),
    ScreenEntry("agents", *strings.SCREENS["agents"], _agents),
    ScreenEntry("events", *strings.SCREENS["events"], _events),
    ScreenEntry("settings", *strings.SCREENS["settings"], _settings),
)


def tabs() -> list[tuple[str, str, str]]:
    """(id, key, title) of each screen: keys count from 1."""
    return [(entry.id, str(number), entry.title) for number, entry in enumerate(SCREENS, 1)]
