"""From a row of the traffic to a rule that refuses requests like it."""

from typing import TYPE_CHECKING, Any

from proxy_core.client import calls
from proxy_core.domain.traffic import RequestRecord
from vault_tui.denying import Denial, denials_of, refusing
from vault_tui.screens.ask import Choose
from vault_tui.screens.confirm import Confirm
from vault_tui.state import Level
from vault_tui.strings import traffic as words
from vault_tui.traffic.reading import address
from vault_tui.widgets.words import plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp


async def deny_like(console: "ConsoleApp", record: RequestRecord) -> None:
    """Ask how much is refused, then once more with the rule in words, then write it."""
    denials = denials_of(record)
    host = address(record)[0]
    entries = [(str(number), plain(f" {one.text}")) for number, one in enumerate(denials)]
    title = words.DENY_TITLE.format(host=host)
    chosen = await console.push_screen_wait(Choose(title, entries, "", deliberate=True))
    if chosen is None:
        return
    denial, vault = denials[int(chosen)], console.state.vault
    document = await _document(console, record, denial, vault)
    names = {"name": document["name"], "what": denial.text, "host": host, "vault": vault}
    text = words.DENY_TEXT if record.matched_service else words.DENY_NEW_TEXT
    sure = Confirm(words.DENY_SURE, text.format(**names), words.DENY_BUTTON)
    if not await console.push_screen_wait(sure):
        return
    # Somebody may have changed the service while the question stood there.
    document = await _document(console, record, denial, vault)
    if await console.send_as_operator(calls.upsert_services([document], vault)) is not None:
        console.notice(words.DENY_DONE.format(**names), Level.GOOD)
        console.sync.reload("services")


async def _document(
    console: "ConsoleApp", record: RequestRecord, denial: Denial, vault: str
) -> dict[str, Any]:
    """From the services as they are now: what the screen knows may be of a moment ago."""
    documents = (await console.send(calls.services(vault))).services
    policy = next((v.unmatched_host_policy for v in console.state.vaults if v.name == vault), "")
    return refusing(record, denial, documents, policy)
