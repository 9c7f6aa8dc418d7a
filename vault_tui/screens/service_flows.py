"""Making, changing and saving a service: shared by every screen that can start it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from proxy_core.client import calls
from vault_tui.screens.service_form import ServiceForm
from vault_tui.state import Level
from vault_tui.strings import services as strings_services

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

Document = Mapping[str, Any]


async def create_service(
    console: "ConsoleApp", document: Document | None = None, note: str = ""
) -> None:
    """The form for a new service, filled with what is known of it."""
    made = await console.push_screen_wait(ServiceForm(document or {}, new=True, note=note))
    if made is not None:
        await save_service(console, made)


async def edit_service(console: "ConsoleApp", document: Document) -> None:
    """The form for an existing service; a new name makes the old one go."""
    changed = await console.push_screen_wait(ServiceForm(document, new=False))
    if changed is None or console.state.read_only:
        return
    if await save_service(console, changed) and changed["name"] != document["name"]:
        await console.send_as_operator(
            calls.remove_service(str(document["name"]), console.state.vault)
        )


async def save_service(console: "ConsoleApp", document: Document) -> bool:
    """Store it; False when the operator gave up."""
    call = calls.upsert_services([document], console.state.vault)
    if await console.send_as_operator(call) is None:
        return False
    console.notice(strings_services.SERVICE_SAVED.format(name=document["name"]), Level.GOOD)
    console.sync.reload("services")
    return True
