"""The service catalog: ready service documents for well-known APIs, from `catalog.json`.

A template that holds `your-…` in its host needs the operator's own name there.
"""

from functools import cache
from importlib.resources import files

import msgspec

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.wire import Template


@cache
def templates() -> tuple[Template, ...]:
    """All templates, in the order of the file: by category, then by name."""
    data = files("proxy_core.domain").joinpath("catalog.json").read_bytes()
    return msgspec.json.decode(data, type=tuple[Template, ...])


def find_template(template_id: str) -> Template:
    """The template of that id. Raises VaultError not_found."""
    for template in templates():
        if template.id == template_id:
            return template
    raise VaultError("not_found", f"the catalog has no template {display_safe(template_id, 80)}")
