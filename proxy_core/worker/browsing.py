"""What a browser at the pages for people keeps and sends: its cookie, and its forms' tokens.

The cookie of one that is signed in is the token of its user's session (`users/page_sessions`);
before that it is random and stands for nobody. A form's token is made of the cookie alone, so every
worker behind an address takes the forms of the others; who does not know the cookie cannot make it.
"""

import hmac
import secrets
from hashlib import sha256

_COOKIE_BYTES = 32
_PURPOSE = b"vault-tui form"


def new_cookie() -> str:
    """For a browser that has none: nobody is signed in by it."""
    return secrets.token_urlsafe(_COOKIE_BYTES)


def form_token(cookie: str) -> str:
    """What a form has to bring along: no other site can know it."""
    return hmac.new(cookie.encode(), _PURPOSE, sha256).hexdigest()


def is_own_form(cookie: str, token: str) -> bool:
    """Whether a form was made for the browser of this cookie."""
    return bool(cookie) and hmac.compare_digest(form_token(cookie).encode(), token.encode())
