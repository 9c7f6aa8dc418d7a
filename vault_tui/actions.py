"""Every action of the console, once: bindings, key bar, palette, help, `:` line and keymap file.

An action's id is `scope.name`. The scope says where its keys work: `app` everywhere, else the
screen of that name, whose method `do_<name>` carries it out. Labels and help stand in `strings`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding

from vault_tui.strings import common as strings


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` in Textual's names, the first one shown. `bar` is the place in the key bar (0: none).

    `changes` marks what a read-only console refuses.
    """

    id: str
    keys: tuple[str, ...] = ()
    bar: int = 0
    changes: bool = False

    @property
    def scope(self) -> str:
        """`app`, or the id of a screen."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The method's name after `do_`."""
        return self.id.partition(".")[2]

    @property
    def label(self) -> str:
        """Two words at most."""
        return strings.ACTIONS[self.id][0]

    @property
    def help(self) -> str:
        """One sentence."""
        return strings.ACTIONS[self.id][1]


ACTIONS: tuple[Action, ...] = (
    Action("app.help", ("question_mark", "f1"), bar=90),
    Action("app.palette", ("ctrl+p",), bar=91),
    Action("app.command", ("colon",), bar=92),
    Action("app.jump", ("ctrl+o",)),
    Action("app.vault", ("v",)),
    Action("app.unlock", ("U",)),
    Action("app.lock"),
    Action("app.seal", changes=True),
    Action("app.theme", ("T",)),
    Action("app.slow"),
    Action("app.notify"),
    Action("app.start", ("S",), bar=80),
    Action("app.reload", ("ctrl+r",)),
    Action("app.doctor", ("f2",)),
    Action("app.quit", ("q", "ctrl+q"), bar=99),
    Action("traffic.detail", ("enter",), bar=1),
    Action("traffic.filter", ("slash",), bar=2),
    Action("traffic.follow", ("f",), bar=3),
    Action("traffic.pause", ("space",), bar=4),
    Action("traffic.mark", ("m",), bar=5),
    Action("traffic.next_mark", ("apostrophe",)),
    Action("traffic.copy", ("y",), bar=6),
    Action("traffic.export", ("e",), bar=7),
    Action("traffic.service", ("s",), bar=8, changes=True),
    Action("traffic.deny", ("x",), bar=9, changes=True),
    Action("traffic.why", ("w",), bar=10),
    Action("traffic.saved", ("F",)),
    Action("traffic.clear_filter", ("backspace",)),
    Action("proposals.review", ("enter",), bar=1),
    Action("proposals.approve", ("a",), bar=2, changes=True),
    Action("proposals.reject", ("x",), bar=3, changes=True),
    Action("proposals.connect", ("c",), bar=4, changes=True),
    Action("proposals.reveal", ("V",), bar=5),
    Action("proposals.next", ("n",), bar=6),
    Action("proposals.previous", ("p",), bar=7),
    Action("proposals.filter", ("f",), bar=8),
    Action("proposals.drafts", ("o",), bar=9),
    Action("credentials.add", ("a",), bar=1, changes=True),
    Action("credentials.set", ("s",), bar=2, changes=True),
    Action("credentials.reveal", ("V",), bar=3),
    Action("credentials.refresh", ("r",), bar=4, changes=True),
    Action("credentials.connect", ("c",), bar=5, changes=True),
    Action("credentials.delete", ("d", "delete"), bar=6, changes=True),
    Action("credentials.health", ("b",), bar=7),
    Action("credentials.approve", ("A",), changes=True),
    Action("credentials.store", ("o",), changes=True),
    Action("credentials.history", ("h",), bar=8),
    Action("credentials.uses", ("enter",), bar=9),
    Action("services.edit", ("enter", "e"), bar=1),
    Action("services.add", ("a",), bar=2, changes=True),
    Action("services.catalog", ("c",), bar=3, changes=True),
    Action("services.test", ("t",), bar=4),
    Action("services.yaml", ("y",), bar=5),
    Action("services.toggle", ("x",), bar=6, changes=True),
    Action("services.hosts", ("o",), bar=7),
    Action("services.delete", ("d", "delete"), bar=8, changes=True),
    Action("services.undo", ("u",), bar=9, changes=True),
    Action("holds.allow", ("enter", "a"), bar=1, changes=True),
    Action("holds.deny", ("d",), bar=2, changes=True),
    Action("holds.deny_always", ("D",), bar=3, changes=True),
    Action("holds.grants", ("o",), bar=4),
    Action("accounts.use", ("u",), bar=1, changes=True),
    Action("accounts.pause", ("p",), bar=2, changes=True),
    Action("accounts.refresh", ("r",), bar=3, changes=True),
    Action("accounts.rename", ("n",), bar=4, changes=True),
    Action("accounts.add", ("plus", "a"), bar=5, changes=True),
    Action("accounts.connect", ("c",), bar=6, changes=True),
    Action("accounts.remove", ("d", "delete"), bar=7, changes=True),
    Action("accounts.pools", ("o",), bar=8),
    Action("accounts.log", ("l",), bar=9),
    Action("accounts.restore", ("z",), bar=10, changes=True),
    Action("accounts.detail", ("enter",), bar=11),
    Action("events.view", ("a",), bar=1),
    Action("events.filter", ("slash",), bar=2),
    Action("events.older", ("l",), bar=3),
    Action("events.verify", ("V",), bar=4),
    Action("events.clear_filter", ("backspace",)),
    Action("events.detail", ("enter",), bar=5),
    Action("settings.edit", ("enter", "e"), bar=1, changes=True),
    Action("settings.add", ("a", "plus"), bar=2, changes=True),
    Action("settings.remove", ("d", "delete"), bar=3, changes=True),
    Action("settings.rotate", ("R",), bar=4, changes=True),
    Action("settings.filter", ("slash",), bar=5),
    Action("settings.findings", ("f",), bar=6),
    Action("settings.copy", ("y",), bar=7),
    Action("settings.clear_filter", ("backspace",)),
    Action("agents.add", ("a", "plus"), bar=1, changes=True),
    Action("agents.rotate", ("r",), bar=2, changes=True),
    Action("agents.grant", ("m",), bar=3, changes=True),
    Action("agents.take", ("x",), bar=4, changes=True),
    Action("agents.pin", ("p",), bar=5, changes=True),
    Action("agents.revoke", ("d", "delete"), bar=6, changes=True),
    Action("agents.rename", ("n",), bar=7, changes=True),
    Action("agents.role", ("o",), bar=8, changes=True),
    Action("agents.detail", ("enter",), bar=9),
)

BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}

_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "apostrophe": "'",
    "escape": "esc",
    "delete": "del",
    "backspace": "bksp",
    "plus": "+",
    "minus": "-",
    "full_stop": ".",
    "comma": ",",
}


def actions_of(*scopes: str) -> list[Action]:
    """The actions of these scopes, in the table's order."""
    return [action for action in ACTIONS if action.scope in scopes]


def bindings(scope: str) -> list[Binding]:
    """Textual bindings of a scope; all of them end in the one dispatcher `App.action_run`."""
    return [
        Binding(",".join(a.keys), f"app.run('{a.id}')", a.label, show=False, id=a.id)
        for a in actions_of(scope)
        if a.keys
    ]


def key_text(key: str) -> str:
    """A key as people write it: `?`, `ctrl+p`, `esc`."""
    head, plus, last = key.rpartition("+")
    return f"{head}{plus}{_KEY_NAMES.get(last, last)}" if head else _KEY_NAMES.get(key, key)


def keys_of(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """The keys that run `action`, the user's keymap file considered."""
    chosen = keymap.get(action.id)
    return tuple(chosen.split(",")) if chosen else action.keys


def checked_keymap(given: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """The usable entries of a keymap file, and one sentence for each entry that is not."""
    good: dict[str, str] = {}
    problems: list[str] = []
    for action_id, keys in given.items():
        if action_id not in BY_ID or not BY_ID[action_id].keys:
            problems.append(strings.KEYMAP_UNKNOWN.format(name=action_id))
        elif not isinstance(keys, str) or not all(part.strip() for part in keys.split(",")):
            problems.append(strings.KEYMAP_KEYS.format(name=action_id))
        else:
            good[action_id] = ",".join(part.strip() for part in keys.split(","))
    return good, problems


def by_command(word: str, scopes: Iterable[str]) -> Action | None:
    """The action that `:word` names: its id, or its name alone within `scopes`."""
    if word in BY_ID:
        return BY_ID[word]
    name = word.replace("-", "_")
    return next((a for scope in scopes for a in actions_of(scope) if a.name == name), None)
