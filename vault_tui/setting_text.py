"""A setting's value as text: as it is typed, and as people read it."""

import json
from typing import Any

from proxy_core.base.text import display_safe
from vault_tui.strings import settings as words

_PLAIN_DIGITS = 4
_LONGEST = 400


def parsed(text: str, default: Any) -> Any:
    """`text` as the type that the setting has; the worker checks it. Lists: `a,b` or JSON."""
    if isinstance(default, str):
        return text
    if isinstance(default, list) and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return text


def text_of(value: Any) -> str:
    """As it is typed: `parsed` takes it back."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def shown(value: Any) -> str:
    """As people read it: `yes`, `1 073 741 824`, `none`; fit to be shown."""
    if isinstance(value, bool):
        return words.YES if value else words.NO
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and len(str(value)) > _PLAIN_DIGITS:
        return f"{value:,}".replace(",", " ")
    return display_safe(text_of(value), _LONGEST) or words.NOTHING
