"""The few pages that a person's browser is shown: plain, without scripts, and never cached."""

from html import escape

from litestar import Response

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Vault TUI</title>'
    "<style>body{{font:1.1rem/1.6 system-ui;margin:4rem auto;max-width:32rem}}</style>"
    "<h1>{title}</h1><p>{text}</p></html>"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


def page(status: int, title: str, text: str) -> Response[str]:
    """A page of a heading and one paragraph; both are escaped."""
    body = _PAGE.format(title=escape(title), text=escape(text))
    return Response(body, status_code=status, media_type="text/html", headers=_HEADERS)
