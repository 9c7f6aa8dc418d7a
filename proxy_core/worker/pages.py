"""The few pages that a person's browser is shown: plain, without scripts, and never cached.

Everything that a template prints is escaped twice over: for HTML, and by `display_safe` against
what hides, reorders or steers text. Their style stands in the page, and the policy names its hash:
a browser runs and loads nothing else.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup

from proxy_core.base.text import display_safe

_TEMPLATES = Path(__file__).with_name("templates")


def page(status: int, title: str, text: str) -> Response[str]:
    """A page of a heading and one paragraph."""
    return render("message.html", status, title=title, text=text)


def render(
    template: str,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
    **values: Any,
) -> Response[str]:
    """A template of this package as an answer; its forms may be sent to this worker alone."""
    body = _environment().get_template(template).render(values)
    return Response(
        body,
        status_code=status,
        media_type="text/html",
        headers={**_headers(), **(headers or {})},
        cookies=list(cookies),
    )


def moment(text: str) -> str:
    """A time of the API for people: to the minute."""
    return f"{text[:10]} {text[11:16]} UTC"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = moment
    made.globals["style"] = Markup(_style())  # noqa: S704 - our own file
    return made


def _shown(value: object) -> object:
    """What a template prints of a value, before it is escaped for HTML."""
    if isinstance(value, Markup):
        return value
    return display_safe(str(value))


@cache
def _style() -> str:
    return (_TEMPLATES / "style.css").read_text("utf-8")


@cache
def _headers() -> Mapping[str, str]:
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode("ascii")
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
