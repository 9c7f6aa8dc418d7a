"""Pages of docs/ that are made of what stands elsewhere; `python -m tests.pages` writes them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from proxy_core.base.errors import ERRORS, ErrorKind, VaultError
from proxy_core.services.setting_table import DEFINITIONS, Definition

DOCS = Path(__file__).parent.parent / "docs"

_ERRORS = """\
# What can go wrong

Every refusal and failure has one of these codes. They stay as they are: agents and scripts switch
on them. The proxy and the API answer with the status and an RFC 9457 document
(`application/problem+json`): `code` and `error` hold the code, `detail` and `message` the case in a
sentence, `help` what to do next. Answers of the proxy have the code in `X-Vault-Proxy-Error` too.
The command line returns the exit code. `retry`: it passes by itself, so the same may be sent again,
after `Retry-After` where there is one.
"""

_SETTINGS = """\
# Settings of the worker

`vault-tui config list` shows what is in force, `vault-tui config set NAME VALUE` changes it at
once, for every worker on the database. Bounds are included.
"""

_DECISIONS = """\
# Decision records

Half a page each: what was decided, why, what it costs. A decision that is refined has its record
amended; one that is changed gets a later record.
"""


def errors_page() -> str:
    """`docs/errors.md`: each code, in the table's order."""
    head = ("code", "status", "exit", "what it means", "what to do next", "retry")
    return _page(_ERRORS, _table(head, map(_error, ERRORS.values())))


def settings_page() -> str:
    """`docs/settings.md`: each setting, in the table's order."""
    head = ("setting", "default", "bounds", "what it means")
    return _page(_SETTINGS, _table(head, map(_setting, DEFINITIONS.values())))


def decisions_page() -> str:
    """`docs/adr/README.md`: each decision record, by its number."""
    return _page(_DECISIONS, map(_decision, sorted((DOCS / "adr").glob("[0-9]*.md"))))


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "settings.md": settings_page,
    "adr/README.md": decisions_page,
}


def _error(kind: ErrorKind) -> Sequence[str]:
    exit_code = VaultError(kind.code).exit_code
    retry = "yes" if kind.retryable else ""
    return (f"`{kind.code}`", str(kind.status), str(exit_code), kind.title, kind.help, retry)


def _setting(one: Definition) -> Sequence[str]:
    bounds = f"{_number(one.low)} to {_number(one.high)}" if one.high else ""
    if isinstance(one.default, bool):
        default = str(one.default).lower()
    else:
        default = "none" if one.default == [] else _number(one.default)
    return (f"`{one.name}`", default, bounds, one.description)


def _decision(record: Path) -> str:
    title = record.read_text().partition("\n")[0].partition(". ")[2]
    return f"- [{int(record.name[:4])}]({record.name}) {title}"


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines]


def _page(words: str, lines: Iterable[str]) -> str:
    return "\n".join([words, *lines, ""])


if __name__ == "__main__":
    for name, made in PAGES.items():
        (DOCS / name).write_text(made())
