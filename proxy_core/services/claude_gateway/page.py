"""What a person sees who opens the address that Claude Code shows: where to approve, and the state.

Nothing can be approved on it: it has no form, no script, and loads nothing.
"""

from html import escape
from typing import Final

from proxy_core.base.text import display_safe
from proxy_core.domain.local_answers import LocalAnswer
from proxy_core.store.device_requests import State
from proxy_core.store.tables import DeviceRequestRow

_HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cache-Control", "no-store"),
)
_STATES: Final = {
    State.WAITING: "It waits for an operator. Reload this page to see whether that has changed.",
    State.APPROVED: "It is approved: Claude Code goes on by itself.",
    State.DENIED: "It was denied. Begin again in Claude Code if that was a mistake.",
}


def device_page(code: str, request: DeviceRequestRow | None) -> LocalAnswer:
    """The page of a code, as it was asked for: empty, or perhaps none that is known."""
    if not code:
        return _page(200, "Signing in to Vault TUI", "Claude Code shows a code.", _how("CODE"))
    if request is None:
        words = "This code is not known here (any more). It is good for ten minutes."
        return _page(404, "No such code", words, "Begin again in Claude Code: /login.")
    device = f"{request.client} at {request.address} asks to sign in with the code {request.code}."
    state = State(request.state)
    how = _how(request.code) if state is State.WAITING else ""
    return _page(200, f"Code {request.code}", device, _STATES[state], how)


def slow_down_page(seconds: int) -> LocalAnswer:
    """Too many pages were asked for from one address."""
    found = _page(429, "Too many requests", f"Wait {seconds} seconds, then reload.")
    return LocalAnswer(429, found.body, (*_HEADERS, ("Retry-After", str(seconds))))


def _how(code: str) -> str:
    return (
        "An operator of the vault approves it: on the console's screen Holds, or with "
        f"vault-tui device approve {code}. Approve a code only if you began the sign-in yourself, "
        "or know who did."
    )


def _page(status: int, title: str, *paragraphs: str) -> LocalAnswer:
    lines = [f"<p>{escape(display_safe(text))}</p>" for text in paragraphs if text]
    safe = escape(display_safe(title))
    body = "\n".join(
        (
            "<!doctype html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{safe}</title></head>',
            f"<body><h1>{safe}</h1>",
            *lines,
            "</body></html>",
            "",
        )
    )
    return LocalAnswer(status, body.encode(), _HEADERS)
