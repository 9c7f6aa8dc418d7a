"""Claude Code and its settings: what wins over the vault, and how a session does without them."""

import json
from collections.abc import Iterator, Sequence

from proxy_core.base.paths import Home
from proxy_core.domain.claude_code import PLACEHOLDER, stronger_variables
from vault_tui.cli.output import safe
from vault_tui.setup import receipts
from vault_tui.setup.documents import ABSENT
from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import read_document
from vault_tui.setup.tools import GATEWAY, Setup

_BASE_URL = "ANTHROPIC_BASE_URL"
_LOGIN = ("claudeAiOauth", "accessToken")
# Empty texts take away what a settings file says.
_WITHOUT_GATEWAY = json.dumps({"env": {_BASE_URL: ""}, "apiKeyHelper": ""})


def warnings(mode: str, planned: Setup, facts: Facts) -> Iterator[str]:
    """One sentence each; values are never told."""
    settings = planned.files[0]
    document = read_document(settings.path, settings.kind, facts.home)
    set_there = document.get(("env",))
    inside = set_there if isinstance(set_there, dict) else {}
    places = (("the environment", facts.environ), (str(settings.path), inside))
    for where, variables in places:
        texts = {name: str(value) for name, value in variables.items()}
        for name in stronger_variables(texts):
            if mode == GATEWAY and name == _BASE_URL:
                continue  # this one is what we set
            yield f"{name} is set in {safe(where)}: Claude Code heeds it before the vault."
    if mode == GATEWAY:
        return
    for file in planned.files[1:]:
        held = read_document(file.path, file.kind, facts.home).get(_LOGIN)
        if held not in (ABSENT, PLACEHOLDER):
            yield (
                f"{safe(str(file.path))} holds a login of its own, which its backup keeps: "
                "`vault-tui account import` with the backup's name puts it into the vault."
            )


def past_gateway(home: Home, arguments: Sequence[str]) -> list[str]:
    """Options that keep a session to its own token where `setup` wrote a gateway into the settings:
    those would win, whatever account the session is for. The user's own `--settings` stays alone.
    """
    receipt = receipts.load(home, "claude-code")
    if receipt is None or receipt.mode != GATEWAY:
        return []
    if any(one == "--settings" or one.startswith("--settings=") for one in arguments):
        return []
    return ["--settings", _WITHOUT_GATEWAY]
