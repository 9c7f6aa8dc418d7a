"""The form of an external store: which, where, and what opens it."""

from collections.abc import Iterable

from textual import on
from textual.widget import Widget
from textual.widgets import Select

from proxy_core.base.errors import VaultError
from proxy_core.domain.wire import SetSource
from vault_tui.screens.form import FormDialog
from vault_tui.screens.secret import SecretInput
from vault_tui.strings import sources as words

_LINES = {
    "token": ("path", "mount", "namespace", "token"),
    "approle": ("path", "mount", "namespace", "role-id", "secret-id"),
    "infisical": (
        "folder", "project", "environment", "client-id", "client-secret", "imports", "recursive",
    ),
}  # fmt: skip
_OPTIONAL = frozenset({"mount", "namespace", "folder", "imports", "recursive"})
_SECRETS = ("token", "secret-id", "client-secret")


class SourceForm(FormDialog[SetSource]):
    """`start` is what was handed in before; `note` above the lines says what was wrong with it."""

    def __init__(self, vault: str, start: SetSource | None = None, note: str = "") -> None:
        title = words.FORM_TITLE.format(vault=vault)
        super().__init__(title, words.FORM_KEYS, note or words.FORM_NOTE)
        self._start = start or SetSource(type="hashicorp", url="")

    def fields(self) -> Iterable[Widget]:
        """The kind first: the other lines depend on it."""
        start = self._start
        yield self.choice("kind", words.KIND, words.WAYS, _way(start))
        yield self.line("url", words.URL, words.URL_HINT, start.url)
        yield self.line("path", words.PATH, words.PATH_HINT, start.path.strip("/"))
        yield self.line("mount", words.MOUNT, words.MOUNT_HINT, start.mount)
        yield self.line("namespace", words.NAMESPACE, words.NAMESPACE_HINT, start.namespace)
        yield self.secret("token", words.TOKEN)
        yield self.line("role-id", words.ROLE_ID, value=start.role_id)
        yield self.secret("secret-id", words.SECRET_ID)
        yield self.line("project", words.PROJECT, words.PROJECT_HINT, start.project)
        yield self.line("environment", words.ENVIRONMENT, words.ENVIRONMENT_HINT, start.environment)
        yield self.line("folder", words.FOLDER, words.FOLDER_HINT, start.path)
        yield self.line("client-id", words.CLIENT_ID, value=start.client_id)
        yield self.secret("client-secret", words.CLIENT_SECRET)
        yield self.choice("imports", words.IMPORTS, words.IMPORTS_WAYS, _word(start.imports))
        yield self.choice(
            "recursive", words.RECURSIVE, words.RECURSIVE_WAYS, _word(start.recursive)
        )
        yield self.line("interval", words.INTERVAL, value=str(start.interval_seconds))

    def on_mount(self) -> None:
        """Secrets that were handed in before need not be typed again."""
        start = self._start
        for id, secret in zip(
            _SECRETS, (start.token, start.secret_id, start.client_secret), strict=True
        ):
            self.query_one(f"#{id}", SecretInput).restore(secret)

    @on(Select.Changed, "#kind")
    def _adapt(self) -> None:
        """Only what counts for the kind is asked for."""
        shown = _LINES[self.value("kind")]
        every = {line for lines in _LINES.values() for line in lines}
        self.reveal_lines({line: line in shown for line in every})

    def read(self) -> SetSource:
        """Raises VaultError bad_request: what is missing. The worker checks the rest."""
        way = self.value("kind")
        given = {line: self.value(line) for line in ("url", *_LINES[way])}
        for line, value in given.items():
            if not value and line not in _OPTIONAL:
                raise VaultError("bad_request", words.NEEDS.format(name=_label(line)))
        return SetSource(
            type="infisical" if way == "infisical" else "hashicorp",
            url=given["url"],
            path=given.get("path") or given.get("folder") or "/",
            mount=given.get("mount", ""),
            namespace=given.get("namespace", ""),
            token=given.get("token", "").strip(),
            role_id=given.get("role-id", ""),
            secret_id=given.get("secret-id", "").strip(),
            project=given.get("project", ""),
            environment=given.get("environment", ""),
            client_id=given.get("client-id", ""),
            client_secret=given.get("client-secret", "").strip(),
            imports=given.get("imports", "yes") == "yes",
            recursive=given.get("recursive") == "yes",
            interval_seconds=_seconds(self.value("interval")),
        )


def _way(start: SetSource) -> str:
    if start.type == "infisical":
        return "infisical"
    return "approle" if start.role_id else "token"


def _word(value: bool) -> str:
    return "yes" if value else "no"


def _label(line: str) -> str:
    return {"url": words.URL}.get(line, line.replace("-", " "))


def _seconds(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise VaultError("bad_request", words.INTERVAL_WRONG) from None
