"""What each program needs: facts in, edits out. Pure; nothing is read or written here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module

from vault_tui.setup.facts import Facts
from vault_tui.setup.plan import FileEdits

PROXY, GATEWAY = "proxy", "gateway"


@dataclass(frozen=True, slots=True)
class Setup:
    """Edits of files, and what a person has to know or do beside them."""

    files: Sequence[FileEdits]
    notes: Sequence[str] = field(default=())


Builder = Callable[[str, Facts], Setup]
"""Takes the mode and the facts."""


@dataclass(frozen=True, slots=True)
class Tool:
    """`modes`: the first is the default. `providers` are those whose services it needs, by mode."""

    name: str
    title: str
    modes: tuple[str, ...]
    providers: Mapping[str, str] = field(default_factory=dict)

    def build(self, mode: str, facts: Facts) -> Setup:
        """What this program needs."""
        module = import_module(f"{__name__}.{self.name.replace('-', '_')}")
        builder: Builder = module.build
        return builder(mode, facts)


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "claude-code",
            "Claude Code",
            (GATEWAY, PROXY),
            {GATEWAY: "anthropic", PROXY: "anthropic"},
        ),
        Tool("codex", "Codex", (GATEWAY, PROXY), {GATEWAY: "openai", PROXY: "openai"}),
        Tool("cursor", "Cursor", (PROXY,)),
        Tool("git", "git", (PROXY,)),
        Tool("docker", "Docker", (PROXY,)),
    )
}
