"""Services: which hosts get which credential, with an editor, a tester and an undo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual.content import Content

from proxy_core.client import calls
from vault_tui.actions import BY_ID, Action, key_text, keys_of
from vault_tui.screens.confirm import Confirm
from vault_tui.screens.listing import ListScreen, Shape
from vault_tui.screens.service_flows import create_service, edit_service, save_service
from vault_tui.service_words import auth_line, keys_of_document, rule_lines
from vault_tui.state import Level
from vault_tui.strings import common as strings
from vault_tui.strings import services as strings_services
from vault_tui.widgets.keyed_table import KeyedTable
from vault_tui.widgets.record_detail import field, heading
from vault_tui.widgets.words import ago, plain, when

UNDO_SECONDS = 300.0
_READ_ONLY_FIELDS = ("hits", "last_hit_at")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A service that can be put back until `until` (monotonic seconds)."""

    vault: str
    document: dict[str, Any]
    until: float


def bare(document: Document) -> dict[str, Any]:
    """The document alone, without what the worker counts."""
    return {key: value for key, value in document.items() if key not in _READ_ONLY_FIELDS}


class ServicesScreen(ListScreen, screen_id="services"):
    """The list, a detail, and the dialogs behind the keys."""

    empty = strings_services.EMPTY_SERVICES
    enter_action = "services.edit"
    _wanted = ""
    _deleted: Deleted | None = None

    @property
    def known(self) -> bool:
        """Whether the list was read."""
        return self.state.services is not None

    def _documents(self) -> dict[str, dict[str, Any]]:
        return {str(d.get("name", "")): dict(d) for d in self.state.services or ()}

    def _here(self) -> dict[str, Any]:
        return self._documents().get(self.table.key or "", {})

    def shape(self, width: int) -> Shape:
        """Keys only where there is room."""
        fixed = [("state", 10), ("auth", 11), ("rules", 5), ("hits", 6), ("last_hit", 10)]
        if width >= 110:
            fixed.insert(2, ("keys", 20))
        left = width - sum(size for _, size in fixed) - 2 * (len(fixed) + 2) - 2
        sizes = {**dict(fixed), "name": max(left * 2 // 5, 12), "host": max(left * 3 // 5, 14)}
        order = ["state", "name", "host", *(name for name, _ in fixed if name != "state")]
        return [(name, strings_services.SERVICE_COLUMNS[name], sizes[name]) for name in order]

    def rows(self) -> dict[str, dict[str, Content]]:
        """One row a service."""
        now = self.console.clock.time()
        return {name: _cells(document, now) for name, document in self._documents().items()}

    def describe(self, key: str) -> Content:
        """The document in words."""
        document = self._documents().get(key)
        if document is None:
            return Content("")
        lines = [
            plain(key, "bold"),
            _state(document),
            Content(""),
            field(strings_services.HOST, str(document.get("host", ""))),
            field(strings_services.AUTH, auth_line(document)),
            field(strings.KEYS, ", ".join(keys_of_document(document)) or strings.NEVER),
            *_gateway(document),
            field(strings_services.HITS, str(document.get("hits", 0))),
            field(strings_services.LAST_HIT, when(str(document.get("last_hit_at") or ""))),
        ]
        if document.get("allow_http"):
            lines.append(
                field(strings_services.PLAIN_HTTP, strings_services.ALLOWED, "$warning bold")
            )
        if document.get("scrub") is False:
            lines.append(field(strings_services.SCRUBBING, strings_services.OFF, "$warning bold"))
        lines += [Content(""), heading(strings_services.RULES)]
        rules = rule_lines(document)
        lines += [plain(f"  {rule}") for rule in rules] or [
            Content.styled(f"  {strings_services.RULES_NONE}", "$muted")
        ]
        for entry in document.get("substitutions") or ():
            places = ", ".join(str(place) for place in entry.get("in", ()))
            text = f"{entry.get('placeholder', '')} → {entry.get('key', '')} ({places})"
            lines.append(field(strings_services.SUBSTITUTES, text))
        return Content("\n").join(lines)

    def why_not(self, action: Action) -> str | None:
        """Most actions need a service."""
        if self.state.sealed:
            return strings.WHY_SEALED
        if action.name in {"edit", "toggle", "delete"} and self.table.key is None:
            return strings.WHY_NO_SERVICE
        if action.name == "undo" and not self._undoable:
            return strings.WHY_NO_UNDO
        return None

    @property
    def _undo_key(self) -> str:
        return key_text(keys_of(BY_ID["services.undo"], self.console.preferences.keymap)[0])

    @property
    def _undoable(self) -> bool:
        gone = self._deleted
        now = self.console.clock.monotonic()
        return gone is not None and gone.vault == self.state.vault and now < gone.until

    def go_to(self, name: str) -> None:
        """Put the cursor where another screen points to, as soon as the list is there."""
        self._wanted = name
        if self.is_attached and self.query(KeyedTable):
            self.show()

    def show(self) -> None:
        """The list, and the cursor where it was wanted."""
        super().show()
        if self.is_mounted and self._wanted in self._documents() and self.table.row_count:
            self.table.select(self._wanted)
            self._wanted = ""

    # --- actions ------------------------------------------------------------------------------

    async def do_edit(self) -> None:
        """The form, or only a look at it."""
        await edit_service(self.console, bare(self._here()))

    async def do_add(self) -> None:
        """A new service."""
        await create_service(self.console)

    async def do_catalog(self) -> None:
        """A new service from a ready-made one."""
        from vault_tui.screens.catalog import CatalogDialog

        templates = (await self.console.send(calls.service_catalog())).templates
        chosen = await self.app.push_screen_wait(CatalogDialog(templates))
        template = next((t for t in templates if t.id == chosen), None)
        if template is not None:
            await create_service(self.console, document=template.service, note=template.obtain)

    async def do_test(self) -> None:
        """Type a URL, see the winner."""
        from vault_tui.screens.match_tester import MatchTester

        host = str(self._here().get("host", "")).replace("*", "x")
        await self.app.push_screen_wait(MatchTester(f"https://{host}" if host else "", "GET"))

    async def do_yaml(self) -> None:
        """All services as YAML."""
        from vault_tui.screens.yaml_editor import YamlEditor

        documents = [bare(d) for d in self._documents().values()]
        edited = await self.app.push_screen_wait(YamlEditor(documents, self.state.read_only))
        if edited is None:
            return
        call = calls.replace_services(edited, self.state.vault)
        if await self.console.send_as_operator(call) is not None:
            self.console.notice(
                strings_services.SERVICES_SAVED.format(count=len(edited)), Level.GOOD
            )
            self.console.sync.reload("services")

    async def do_toggle(self) -> None:
        """Switch it on or off."""
        document = self._here()
        enable = not document.get("enabled", True)
        name = str(document["name"])
        call = calls.enable_service(name, enable, self.state.vault)
        if await self.console.send_as_operator(call) is not None:
            said = strings_services.ENABLED_NOW if enable else strings_services.DISABLED_NOW
            self.console.notice(said.format(name=name), Level.GOOD)
            self.console.sync.reload("services")

    async def do_hosts(self) -> None:
        """Hosts seen without a service; make one of them."""
        from vault_tui.screens.drafts import drafts_of_hosts

        await drafts_of_hosts(self.console)

    async def do_delete(self) -> None:
        """Delete, with an undo for a while."""
        document, vault = bare(self._here()), self.state.vault
        name = str(document["name"])
        policy = next((v.unmatched_host_policy for v in self.state.vaults if v.name == vault), "")
        says = strings_services.DELETE_SERVICE
        text = "\n".join(
            [
                says.get(policy, says[""]).format(host=document.get("host", "")),
                strings_services.DELETE_CAN_UNDO.format(key=self._undo_key),
            ]
        )
        title = strings.DELETE_TITLE.format(name=name)
        if not await self.app.push_screen_wait(
            Confirm(title, text, strings.DELETE_BUTTON.format(name=name))
        ):
            return
        if await self.console.send_as_operator(calls.remove_service(name, vault)) is None:
            return
        until = self.console.clock.monotonic() + UNDO_SECONDS
        self._deleted = Deleted(vault, document, until)
        self.set_timer(UNDO_SECONDS, self.show_keys)
        self.console.notice(
            strings_services.DELETED_UNDO.format(name=name, key=self._undo_key), Level.WARNING
        )
        self.console.sync.reload("services")

    async def do_undo(self) -> None:
        """Put the deleted service back."""
        gone = self._deleted
        if gone is not None and await save_service(self.console, gone.document):
            self._deleted = None
            self.show_keys()


def _cells(document: Document, now: float) -> dict[str, Content]:
    dim = "" if document.get("enabled", True) else "$muted"
    rules = len(document.get("rules") or ())
    hits = int(document.get("hits") or 0)
    return {
        "state": _state(document),
        "name": plain(str(document.get("name", "")), f"bold {dim}".strip()),
        "host": plain(str(document.get("host", "")), dim),
        "auth": plain(str((document.get("auth") or {}).get("type", "")), "$muted"),
        "keys": plain(" ".join(keys_of_document(document)), "$muted"),
        "rules": Content.styled(f"{rules:>5}" if rules else f"{strings.NEVER:>5}", "$muted"),
        "hits": Content(f"{hits:>5}"),
        "last_hit": Content.styled(ago(str(document.get("last_hit_at") or ""), now), "$muted"),
    }


def _gateway(document: Document) -> list[Content]:
    gateway = document.get("gateway")
    if not gateway:
        return []
    text = strings_services.GATEWAY_SHOWN.format(**gateway)
    return [field(strings_services.GATEWAY, text)]


def _state(document: Document) -> Content:
    if document.get("enabled", True):
        return Content.assemble(("● ", "$success"), strings_services.ENABLED)
    return Content.assemble(("○ ", "$warning"), (strings_services.DISABLED, "$warning"))
