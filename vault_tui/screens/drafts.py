"""From a host that was reached without a service to a service's form, filled in."""

from typing import TYPE_CHECKING

from textual.content import Content

from proxy_core.base.text import display_safe
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.domain.drafts import Draft
from vault_tui.drafting import drafted, requests_to
from vault_tui.screens.ask import Choose
from vault_tui.screens.service_flows import create_service
from vault_tui.strings import services as words
from vault_tui.widgets.words import ago, plain

if TYPE_CHECKING:
    from vault_tui.app import ConsoleApp

_HOST_WIDTH = 44


async def draft_of_host(console: "ConsoleApp", host: str, port: int) -> None:
    """The form of a new service for the host; the newest requests say what it may be."""
    page = await console.send(requests_to(host, console.state.vault))
    catalog = await console.send(calls.service_catalog())
    draft, count = drafted(host, port, catalog, page)
    await create_service(console, document=draft.document, note=_note(draft, count))


async def drafts_of_hosts(console: "ConsoleApp") -> None:
    """Choose one of the hosts seen without a service, then its form."""
    seen = (await console.send(calls.discovered_hosts(console.state.vault))).hosts
    now = console.clock.time()
    entries = [(str(number), _line(host, now)) for number, host in enumerate(seen)]
    chosen = await console.push_screen_wait(Choose(words.HOSTS_TITLE, entries, words.HOSTS_NONE))
    if chosen is not None and not console.state.read_only:
        found = seen[int(chosen)]
        await draft_of_host(console, found.host, found.port)


def _line(host: wire.DiscoveredHost, now: float) -> Content:
    return Content.assemble(
        plain(f" {host.host}:{host.port}".ljust(_HOST_WIDTH), "bold", 60),
        (f"{host.requests:>7} {words.REQUESTS}  ", ""),
        (ago(host.last_seen_at, now), "$muted"),
    )


def _note(draft: Draft, requests: int) -> str:
    """Where the draft comes from, for the top of the form."""
    parts = []
    if draft.template is not None:
        parts.append(words.DRAFT_KNOWN.format(name=draft.template.name))
    if requests:
        methods = display_safe(" ".join(draft.methods), 60)
        parts.append(words.DRAFT_SEEN.format(count=requests, methods=methods))
    if "rules" in draft.document and draft.template is None:
        parts.append(words.DRAFT_READS)
    if draft.template is not None:
        parts.append(draft.template.obtain)
    return " ".join(parts)
