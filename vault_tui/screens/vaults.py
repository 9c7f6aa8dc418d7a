"""The vault switcher."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from proxy_core.domain.wire import Vault
from vault_tui.screens.base import Dialog
from vault_tui.strings import common as strings
from vault_tui.strings import sources as strings_sources
from vault_tui.widgets.words import plain

_NAME, _ROOMY = 20, 100


class VaultDialog(Dialog[str]):
    """Returns the chosen vault's name."""

    def __init__(self) -> None:
        super().__init__(classes="dialog")
        self._names: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """The vaults, the present one marked."""
        with Vertical(classes="window") as window:
            window.border_title = Content(strings.VAULTS_TITLE)
            window.border_subtitle = Content(strings.CHOOSE_KEYS)
            yield OptionList(markup=False)

    def _options(self) -> list[Option]:
        state, roomy = self.console.state, self.app.size.width >= _ROOMY
        policies = strings.POLICY if roomy else strings.POLICY_SHORT
        self._names = {f"v{index}": vault.name for index, vault in enumerate(state.vaults)}
        return [
            Option(
                Content.assemble(
                    (" ● " if vault.name == state.vault else "   ", "$accent"),
                    plain(vault.name, "bold", _NAME),
                    " " * max(_NAME + 1 - len(vault.name), 1),
                    (
                        strings.VAULT_COUNTS.format(
                            services=vault.services_count, credentials=vault.credentials_count
                        ),
                        "$muted",
                    ),
                    (policies.get(vault.unmatched_host_policy, ""), "$muted"),
                    plain(_store(vault), "$warning" if vault.source_state == "failing" else ""),
                ),
                id=f"v{index}",
            )
            for index, vault in enumerate(state.vaults)
        ] or [Option(Content.styled(f" {strings.NOT_CONNECTED}", "$muted"), disabled=True)]

    def on_mount(self) -> None:
        """Start on the present vault."""
        self.query_one(OptionList).focus()
        self._show()

    def data_changed(self, kind: str) -> None:
        """The vaults were read afresh, perhaps for the first time."""
        if kind == "vaults":
            self._show()

    def _show(self) -> None:
        options = self.query_one(OptionList)
        here = options.highlighted_option
        name = self._names.get(here.id or "", "") if here is not None else ""
        options.set_options(self._options())
        names = list(self._names.values())
        wanted = name or self.console.state.vault
        if wanted in names:
            options.highlighted = names.index(wanted)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.dismiss(self._names[event.option_id])


def _store(vault: Vault) -> str:
    """Which external store backs a vault, and how reading that goes."""
    if not vault.source:
        return ""
    return strings_sources.HELD.format(kind=vault.source, state=vault.source_state)
