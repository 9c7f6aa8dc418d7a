"""Before a command is started: commands that the project's settings name have to be trusted.

They come with the directory, and Claude Code runs them without asking. A person is shown each of
them and asked, starting on No; where nobody can be asked, nothing starts.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote

import click

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import Home
from proxy_core.base.text import display_safe
from proxy_core.domain.doctor import ProjectScript
from vault_tui.doctor.scripts import TrustStore, project_scripts

_SHOWN_TEXT = 2000


def check_scripts(home: Home, *, is_agent: bool) -> None:
    """Raises VaultError script_untrusted, when something is not trusted and stays so."""
    directory = Path.cwd()
    scripts = untrusted(scripts_here(home, directory))
    if scripts and is_agent:
        raise _refusal(scripts, directory)
    if scripts:
        ask_to_trust(home, scripts, directory)


def scripts_here(home: Home, directory: Path) -> list[ProjectScript]:
    """Of a directory and of the repository that it is in. Raises VaultError: home_unusable."""
    return project_scripts(directory, os.environ, TrustStore(home))


def untrusted(scripts: Iterable[ProjectScript]) -> list[ProjectScript]:
    """Those that nobody has trusted in their present form."""
    return [script for script in scripts if not script.trusted]


def ask_to_trust(home: Home, scripts: Sequence[ProjectScript], directory: Path) -> None:
    """Show them and ask; trusted from then on.

    Raises VaultError script_untrusted: refused, nobody to ask, or one that cannot be read, or
    shown, whole.
    """
    for script in scripts:
        _show(script)
    can_ask = sys.stdin.isatty() and sys.stderr.isatty()
    if not can_ask or not all(script.sha256 and _fits(script) for script in scripts):
        raise _refusal(scripts, directory)
    question = "Claude Code runs this without asking. Trust it, exactly as it is now?"
    if not click.confirm(question, default=False, err=True):
        raise _refusal(scripts, directory)
    TrustStore(home).trust(scripts)


def _show(script: ProjectScript) -> None:
    """What it is, in a form that no terminal obeys."""
    text = display_safe(script.text, _SHOWN_TEXT)
    lines = (
        f"{display_safe(script.path)} names a command:",
        f"  {display_safe(script.setting)}: {text}",
        f"  SHA-256 {script.sha256 or 'unknown: it cannot be read whole'}",
    )
    for line in lines:
        print(line, file=sys.stderr)
    if not _fits(script):
        how = "once you have read the file, name the digest: `vault-tui trust PATH --sha256 HEX`"
        print(f"  It is too long to be shown whole; {how}.", file=sys.stderr)


def _fits(script: ProjectScript) -> bool:
    """Whether it was shown to its end: nobody is asked about what they could not see."""
    return len(display_safe(script.text, _SHOWN_TEXT + 1)) <= _SHOWN_TEXT


def _refusal(scripts: Sequence[ProjectScript], directory: Path) -> VaultError:
    names = ", ".join(sorted({display_safe(script.setting) for script in scripts}))
    what = f"The project names commands that nobody has trusted in this form: {names}."
    remedy = (
        f"`vault-tui trust {display_safe(quote(str(directory.resolve())))}` shows them and asks."
    )
    return VaultError("script_untrusted", what, {"help": remedy})
