"""The service catalog: ready service documents for well-known APIs."""

from proxy_core.domain.wire import Template


def templates() -> tuple[Template, ...]:
    """All templates, by category and name."""
    raise NotImplementedError


def find_template(template_id: str) -> Template:
    """The template of that id. Raises VaultError not_found."""
    raise NotImplementedError
